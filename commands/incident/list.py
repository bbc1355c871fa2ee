"""`/incident list`: what is open, or everything, newest first."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.places import visible
from commands.words import channel_of, clock, dot, lasted, name_of
from storage import incidents
from storage.incidents import Incident

PAGE = 15


@command("incident list", group="Look", examples=("incident list", "incident list all"))
class List(Command):
    """List what is open (`all`: also what ended)"""

    which: Annotated[str, Arg("choice", "open or all", choices=("open", "all"))] = "open"
    older: Annotated[int, Arg("number", "only those before this number", keyed=True)] = 0

    def act(self, call: Call, seen: None) -> Reply:
        """Private ones only for those who may know of them."""
        tx, policy = call.tx, call.house.policy
        found = (
            incidents.latest(tx, limit=PAGE + 1, before=self.older or None)
            if self.which == "all"
            else incidents.open_ones(tx)
        )
        shown = [one for one in found[:PAGE] if visible(tx, policy, one, call.actor, call.ask.channel)]
        data = {"incidents": [one.id for one in shown]}
        if not shown:
            text = "Nothing is open." if self.which == "open" else "There are none."
            return Reply(text=f"{text} `/incident declare sev1 what is wrong` opens one.", data=data)
        listed = [self._line(call, one) for one in shown]
        if len(found) > PAGE and self.which == "all":
            listed.append(f"`/incident list all older={found[PAGE - 1].number}` shows older ones.")
        elif len(found) > PAGE:
            listed.append(f"… and {len(found) - PAGE} more.")
        return Reply(text="\n".join(listed), data=data)

    def _line(self, call: Call, one: Incident) -> str:
        mark = dot(call.house.policy, one.severity) if one.open else "⚪"
        since = clock(one.declared_at, call.tx.now)
        if one.open:
            return f"{mark} {name_of(one, most=80)} · {one.status} · since {since} UTC · {channel_of(one)}"
        took = lasted((one.resolved_at or call.tx.now) - one.declared_at)
        return f"{mark} {name_of(one, most=80)} · {one.status} · {since} UTC, {took}"
