"""`/incident task`: something somebody has to do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import ME, NOBODY
from commands.places import InIncident, bare
from commands.reaching import look, person_by
from commands.tasking import buttons, said
from commands.timers.telling import write_to
from commands.words import esc, lines
from storage import tasks
from storage.inbox import Ask


@command(
    "incident task",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident task @ben due=30m check the replica", "incident task call the bank"),
)
class Task(InIncident):
    """Write down what has to be done, for whom, and until when

    Whoever has it is told, and reminded when it is due. `/incident tasks` lists them.
    """

    owner: Annotated[str, Arg("holder", "who does it: a mention, or @me")] = ""
    due: Annotated[datetime | None, Arg("until", "until when: 30m, or 18:00 (UTC)", keyed=True)] = None
    what: Annotated[str, Arg("rest", "what has to be done")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident task` alone."""
        return bare(ask)

    async def before(self, ask: Ask, house: House) -> None:
        """Who that is, where nobody has seen them yet."""
        if self.owner and self.owner not in (ME, NOBODY):
            await look(ask, house, self.owner)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, its clock, and a word to whoever has it."""
        owner = self._owner(call)
        made = tasks.add(call.tx, call.here.id, self.what, by=call.person, owner=owner, due_at=self.due)
        line = said(call.tx, made)
        told = ""
        if owner and owner != call.person:
            by = esc(call.house.directory.name(call.tx, call.person))
            word = Reply(
                text=f"📋 *{made.incident}*: {by} asks you for this.\n{line}", buttons=tuple(buttons(made, named=False))
            )
            if not write_to(call.tx, owner, word, key=f"task:{made.id}"):
                told = "⚠️ They were not told: no Slack account of theirs is known."
        return Reply(
            text=lines(f"*{made.incident}*, task {made.number}", line, told), buttons=tuple(buttons(made)),
            data={"task": made.number},
        )  # fmt: skip

    def _owner(self, call: Call) -> str | None:
        if self.owner in ("", NOBODY):
            return None
        return call.person if self.owner == ME else person_by(call, self.owner)
