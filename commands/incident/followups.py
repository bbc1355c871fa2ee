"""`/incident followups`: what is to be done so that it does not come again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from commands import nudging
from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import ME, NOBODY
from commands.places import InIncident
from commands.reaching import look, person_by
from commands.words import clock, cut, esc, lines
from playbooks.errors import Refused
from storage import followups, people
from storage.db import Tx
from storage.followups import FollowUp
from storage.inbox import Ask

PAGE = 15


@command(
    "incident followups",
    who="declare",
    group="Clocks and follow-ups",
    place="incident",
    examples=(
        "incident followups",
        "incident followups add alarm on replica lag",
        "incident followups done f1 the alarm is on",
        "incident followups done retrospective",
    ),
)
class Followups(InIncident):
    """List what follows, add to it, or say what is done

    Resolving adds the retrospective where the policy wants one. Whoever has it is reminded in working hours only.
    """

    change: Annotated[str, Arg("choice", "list, add or done", choices=("list", "add", "done"))] = "list"
    owner: Annotated[str, Arg("person", "who does it; you when left out", keyed=True)] = ME
    due: Annotated[datetime | None, Arg("until", "until when; by policy when left out", keyed=True)] = None
    what: Annotated[str, Arg("rest", "what is to be done; or the name of what is done: f1")] = ""

    async def before(self, ask: Ask, house: House) -> None:
        """Who that is, where nobody has seen them yet."""
        if self.owner not in (ME, NOBODY):
            await look(ask, house, self.owner)

    def act(self, call: Call, seen: None) -> Reply:
        """One of the three."""
        if self.change == "add":
            return self._add(call)
        if self.change == "done":
            return self._done(call)
        return listed(call)

    def _add(self, call: Call) -> Reply:
        tx, found, policy = call.tx, call.here, call.house.policy
        if not self.what:
            raise Refused("Say what is to be done. Nothing was written down.", todo=f"Try `/{self.examples[1]}`")
        if self.owner == NOBODY:
            raise Refused("A follow-up needs an owner. Nothing was written down.", todo="Name them: `owner=@eve`.")
        owner = call.person if self.owner == ME else person_by(call, self.owner)
        severity = policy.severities.get(found.severity)
        days = severity.review.follow_up_business_days if severity else 10
        due = self.due or nudging.closing_of(policy, days, tx.now)
        made = followups.add(tx, found.id, self.what, by=call.person, owner=owner, due_at=due)
        return Reply(text=lines(f"*{found.id}*, follow-up {made.name}", line(tx, made)), data={"followup": made.name})

    def _done(self, call: Call) -> Reply:
        name, _, reason = self.what.strip().partition(" ")
        if not name:
            raise Refused("Which one? Nothing was changed.", todo="`/incident followups` lists them.")
        seq = followups.done(call.tx, call.here.id, name.lower(), by=call.person, reason=reason.strip())
        return Reply(text=f"☑️ *{call.here.id}*: {esc(name.lower())} is done (event {seq}).", data={"event": seq})


def listed(call: Call) -> Reply:
    """All of them, what is open first, with a button each."""
    mine = followups.of_incident(call.tx, call.here.id)
    waits = [one for one in mine if one.open]
    shown = [*waits, *(one for one in mine if not one.open)][:PAGE]
    more = f"… and {len(mine) - PAGE} more." if len(mine) > PAGE else ""
    none = "" if mine else "Nothing yet: `/incident followups add <what>`."
    text = lines(f"*Follow-ups of {call.here.id}*", *(line(call.tx, one) for one in shown), more, none)
    return Reply(text=text, buttons=tuple(buttons(waits[:8])), data={"followups": [_data(one) for one in mine]})


def line(tx: Tx, one: FollowUp) -> str:
    """`☐ *f1* alarm on replica lag · *Ben* · due *4 Dec 17:00 UTC*`"""
    what = esc(cut(" ".join(one.what.split()), 300))
    if one.done_at:
        by = esc(people.name(tx, one.done_by or ""))
        return f"☑️ *{one.name}* ~{what}~ · done by *{by}* {clock(one.done_at, tx.now)}"
    late = " ⚠️ overdue" if one.due_at < tx.now else ""
    return f"☐ *{one.name}* {what} · *{esc(people.name(tx, one.owner))}* · due *{clock(one.due_at, tx.now)} UTC*{late}"


def buttons(mine: Sequence[FollowUp]) -> list[Button]:
    """Done, for each that waits."""
    return [Button(label=f"Done {one.name}", line=f"incident followups {one.incident} done {one.name}") for one in mine]


def _data(one: FollowUp) -> dict[str, str | bool]:
    return {"name": one.name, "what": one.what, "due_at": one.due_at.isoformat(), "open": one.open}
