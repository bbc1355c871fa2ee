"""`/incident resolve`: it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from commands import leaving
from commands.command import Button, Call, Reply, command
from commands.fields import Arg, line_of
from commands.hooks.pagerduty import commander
from commands.nudging import closing_of
from commands.places import InIncident, bare, going_on
from commands.reaching import end_calls
from commands.starting import try_start
from commands.timers import settle
from commands.words import day, lasted, lines, safe
from storage import followups, incidents, runs
from storage.inbox import Ask
from storage.incidents import Incident
from storage.runs import Step


@command(
    "incident resolve",
    who="declare",
    group="Start and end",
    place="incident",
    examples=(
        "incident resolve writer failed over, root cause under review",
        'incident resolve accept="the site stays until Monday" failed over',
    ),
)
class Resolve(InIncident):
    """End it: close the page and the status page, draft the post-mortem

    Not while a playbook's change is left over: take it back, let it stay, or let all stay with one reason (`accept=`).
    """

    accept: Annotated[str, Arg("word", "why all that is left over may stay", keyed=True)] = ""
    resolution: Annotated[str, Arg("rest", "what ended it")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """A button alone asks what ended it; typed alone in a channel it resolves."""
        return ask.kind == "button" and bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, the run that closes and drafts, the anchor last."""
        tx, before = call.tx, call.here
        incidents.get(tx, before.id, lock=True)  # first in the lock order
        if before.open and (steps := leaving.left(call, before)):
            if not self.accept:
                return self._not_yet(call, steps)
            leaving.accept_all(call, steps, self.accept)
        found = incidents.resolve(tx, before.id, by=call.person, resolution=self.resolution)
        name = call.house.policy.severity(found.severity).resolve
        given = {"resolution": self.resolution, "reason": self.resolution, "text": self.resolution}
        run, problem = try_start(call, name, given, found)
        if run:
            settle.arm(tx, run)
        end_calls(call, found)
        said = [*closing(call, found, problem), leaving.stays(call, found)]
        head = incidents.anchor(tx, found.id)
        took = lasted((found.resolved_at or tx.now) - found.declared_at)
        first = f"✅ *{found.id} resolved* after {took}. Timeline anchored at event {head.seq} `{head.short}`."
        return Reply(text=lines(first, *said), data={"incident": found.id, "event": head.seq, "hash": head.hash})

    def _not_yet(self, call: Call, steps: Sequence[Step]) -> Reply:
        """What is left over, what can be done about each, and about all of it."""
        id, many = call.here.id, f"{len(steps)} change{'s are' if len(steps) > 1 else ' is'}"
        again = line_of(Resolve(incident=id, resolution=self.resolution))
        return Reply(
            text=lines(
                f"⛔ *{id} is not resolved*: {many} left over that nobody took back or let stay. Nothing was done.",
                *leaving.listed(call, steps),
                f"Undo or accept each, then `/incident resolve` once more; or `/incident resolve {id} "
                'accept="why" …` lets all of it stay.',
            ),
            ok=False,
            buttons=(*leaving.buttons(call, steps), Button(label="Accept all and resolve", line=again, asks="accept")),
            data={"leftovers": [{"run": one.run, "step": one.idx} for one in steps]},
        )


def closing(call: Call, found: Incident, problem: str) -> list[str]:
    """What follows, what is still open, what people should say."""
    policy = call.house.policy
    said = ["Closing the page and the status page; the post-mortem draft follows."]
    if problem:
        said = [f"⚠️ The page and the status page were *not* closed: {safe(problem)} Close them by hand."]
    mine = [run for run in runs.of_incident(call.tx, found.id) if run.shown and going_on(run)]
    if mine:
        named = ", ".join(f"{run.id} {run.playbook} ({run.state})" for run in mine[:5])
        said.append(f"⚠️ Still going on: {named}. `/playbook abort {mine[0].id}` ends one.")
    if found.restored_at is None:
        said.append(f"When was service restored? `/incident restored incident={found.id} 14:11`")
    review = policy.severity(found.severity).review
    if review.required:
        said.append(_retrospective(call, found, review.due_business_days))
    return said


def _retrospective(call: Call, found: Incident, days: int) -> str:
    """A follow-up of its own, once, for whoever leads; they are reminded of it."""
    worn = incidents.roles(call.tx, found.id).get(commander(call.house.policy) or "")
    due = closing_of(call.house.policy, days, call.tx.now)
    made = followups.add(
        call.tx, found.id, "", by="muster", owner=worn.person if worn else call.person, due_at=due,
        name=followups.RETROSPECTIVE,
    )  # fmt: skip
    when = day(made.due_at.astimezone(ZoneInfo(call.house.policy.organisation.time_zone)).date())
    return f"Retrospective due *{when}*. Held: `/incident followups {found.id} done retrospective`."
