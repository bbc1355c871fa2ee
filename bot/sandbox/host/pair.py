"""Two PostgreSQL servers of a host of the sandbox, of which one follows the other until that is gone.

Belongs here: who takes writes, what each holds, failover and its like. Does not belong here: the words by which it is
asked (staging.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

PRIMARY, REPLICA = "corporate-intel-postgres-primary", "corporate-intel-postgres-replica"
OTHER = {PRIMARY: REPLICA, REPLICA: PRIMARY}


@dataclass
class Pair:
    """writers: who is not in recovery, two of them after a start that should not have been. down: who is stopped.

    manager: whether something promotes the replica when the primary is gone. held: what each was told to keep.
    """

    writers: set[str] = field(default_factory=lambda: {PRIMARY})
    down: set[str] = field(default_factory=set)
    manager: bool = True
    held: dict[str, list[str]] = field(default_factory=lambda: {PRIMARY: [], REPLICA: []})

    def streams(self, name: str) -> bool:
        """Whether the other one follows this one."""
        return name in self.writers and OTHER[name] not in self.writers and not self.down & {name, OTHER[name]}

    def stop(self, name: str) -> None:
        """It is gone; the one that followed it is promoted."""
        followed = self.streams(name)
        self.down.add(name)
        if followed and self.manager:
            self.writers.add(OTHER[name])

    def start(self, name: str) -> None:
        """It comes back as what it was."""
        self.down.discard(name)

    def write(self, name: str, text: str) -> bool:
        """Keep a text, if it takes writes; whoever follows has it too."""
        if name not in self.writers:
            return False
        for one in (name, OTHER[name]) if self.streams(name) else (name,):
            self.held[one].append(text)
        return True

    def rejoin(self, name: str) -> bool:
        """Made anew from the other one, which takes writes: it follows from now on."""
        if OTHER[name] not in self.writers or OTHER[name] in self.down:
            return False
        self.held[name] = list(self.held[OTHER[name]])
        self.writers.discard(name)
        self.down.discard(name)
        return True

    def switch(self, to: str) -> bool:
        """The one that follows takes writes from now on, and the other follows it."""
        if not self.streams(OTHER[to]):
            return False
        self.writers = {to}
        return True
