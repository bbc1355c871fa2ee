"""Commands that name another incident: it comes first, and the one they are about is the channel's or `incident=`.

Belongs here: that base, finding the other one, whether the asker may know of it. Does not belong here: what a command
is about when it names none (places.py).
"""

from __future__ import annotations

import re
from typing import Annotated

from commands.command import Call, Command
from commands.kinds import NONE, Arg
from commands.places import visible
from playbooks.errors import Refused
from storage import incidents
from storage.inbox import Ask
from storage.incidents import Incident

_INCIDENT = re.compile(r"(?:inc-?)?(\d{1,9})", re.IGNORECASE)


class FromHere(Command):
    """Base of those commands."""

    incident: Annotated[str, Arg("incident", "the one it is about, when asked outside its channel", keyed=True)] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """The words alone: a form lists the others there are (bot/choosing.py)."""
        rest = ask.line.split()[2:]
        return not rest or (len(rest) == 1 and rest[0].lower().startswith("incident="))


def other(call: Call, said: str) -> Incident:
    """The other one, or Refused as if it were not there. An incident is no other of itself."""
    match = _INCIDENT.fullmatch(said)
    if match is None:
        raise Refused(f"*{said}* is not an incident like INC-42. Nothing was changed.",
                      todo="`/incident list` shows them.")  # fmt: skip
    id = f"INC-{int(match[1])}"
    found = incidents.get(call.tx, id)
    if found is None or not visible(call.tx, call.house.policy, found, call.actor, call.ask.channel):
        raise Refused(f"There is no {id}. Nothing was changed.", todo="`/incident list all` shows them.")
    if found.id == call.here.id:
        raise Refused(f"{id} is this one. Nothing was changed.", todo="Name the other one, such as INC-7.")
    return found


def lifts(said: str) -> bool:
    """Whether it says: none."""
    return said.lower() == NONE
