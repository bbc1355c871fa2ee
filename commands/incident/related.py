"""`/incident related`: two that have to do with each other."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.naming import FromHere, other
from commands.words import name_of
from storage import standing


@command(
    "incident related", who="declare", group="While it goes on", place="incident", examples=("incident related INC-4",)
)
class Related(FromHere):
    """Say that another incident has to do with this one; it stands on both"""

    other: Annotated[str, Arg("word", "the other one, such as INC-4")]

    def act(self, call: Call, seen: None) -> Reply:
        """The entry on each; the boards show it. `/incident merge` is for one and the same."""
        found = other(call, self.other)
        standing.relate(call.tx, call.here.id, found.id, by=call.person)
        return Reply(text=f"*{call.here.id}* and {name_of(found, most=80)} are related now.")
