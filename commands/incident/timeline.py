"""`/incident timeline`: what happened, event by event."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.events import say
from commands.fields import Arg
from commands.places import InIncident
from commands.words import cut
from storage import anchors, timeline

PAGE = 20


@command("incident timeline", group="Look", place="incident", examples=("incident timeline", "incident timeline last"))
class Timeline(InIncident):
    """Show the timeline, twenty events at a time, from the first or the `last` ones"""

    part: Annotated[str, Arg("choice", "the last twenty", choices=("last",))] = ""
    after: Annotated[int, Arg("number", "only later events than this number", keyed=True)] = 0

    def act(self, call: Call, seen: None) -> Reply:
        """Numbered as in the record; times are UTC, back-dated ones say so."""
        found, tx = call.here, call.tx
        head = timeline.head(tx, found.id)
        after = max(self.after, head.seq - PAGE) if self.part else self.after
        events = timeline.read(tx, found.id, after=after, limit=PAGE)
        if not events:
            return Reply(text=f"*{found.id}* has {head.seq} events; there is none after {after}. "
                              f"`/incident timeline {found.id}` begins at the first.")  # fmt: skip
        names = _Names(call)
        listed = [
            f"`{e.seq:>3}` {e.when:%H:%M:%S}{'*' if e.claimed_by else ''} {cut(say(e, names), 220)}" for e in events
        ]
        last = events[-1].seq
        more = [Button(label="More", line=f"incident timeline {found.id} after={last}")] if last < head.seq else []
        if last + PAGE < head.seq:  # more than one press away
            more.append(Button(label="Last", line=f"incident timeline {found.id} last"))
        held = anchors.last(tx, found.id)
        outside = f" · anchored at {held.seq}" if held else ""
        tail = f"{last} of {head.seq} events · head `{head.short}`{outside}"
        return Reply(text="\n".join([*listed, tail]), buttons=tuple(more), data={"after": last, "events": head.seq})


class _Names:
    """Person id -> name, asked for once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._known: dict[str, str] = {}

    def __call__(self, person: str) -> str:
        if person not in self._known:
            self._known[person] = self._call.house.directory.name(self._call.tx, person)
        return self._known[person]
