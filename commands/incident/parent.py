"""`/incident parent`: it is part of a bigger one."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.naming import FromHere, lifts, other
from commands.words import name_of
from storage import standing


@command(
    "incident parent",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident parent INC-3", "incident parent none"),
)
class Parent(FromHere):
    """Say which bigger incident this one is part of (`none`: of none any more)"""

    parent: Annotated[str, Arg("word", "the bigger one, such as INC-3, or none")]

    def act(self, call: Call, seen: None) -> Reply:
        """The entry; the board shows it."""
        id = call.here.id
        if lifts(self.parent):
            was = standing.set_parent(call.tx, id, None, by=call.person)
            return Reply(text=f"*{id}* is part of {was} no more.")
        above = other(call, self.parent)
        was = standing.set_parent(call.tx, id, above.id, by=call.person)
        return Reply(text=f"*{id}* is part of {name_of(above, most=80)} now{f' (was {was})' if was else ''}.")
