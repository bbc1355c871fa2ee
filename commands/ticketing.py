"""Follow-ups as issues in Jira: whether the policy wants them, asking for one.

Belongs here: starting `followup/ticket` for one follow-up. Does not belong here: what came of it
(commands/timers/ticketed.py), when it is looked at again (commands/timers/tickets.py).
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from commands.command import Call
from commands.house import House
from commands.nudging import working
from commands.starting import try_start
from commands.timers import settle
from playbooks.policy import Policy
from storage import people, timers
from storage.db import Tx
from storage.followups import RETROSPECTIVE, FollowUp
from storage.incidents import Incident

MAKE, LOOK = "followup/ticket", "followup/look"
TICKETS, TICKETED = "tickets", "ticketed"  # kinds of timers: the daily look, and what came of a run
SOON, DAY = timedelta(minutes=1), timedelta(days=1)


def wanted(policy: Policy, found: Incident, one: FollowUp) -> bool:
    """Whether this one is to have an issue. The retrospective is held here; what is private or a drill stays here."""
    severity = policy.severities.get(found.severity)
    if severity is None or severity.review.follow_up_ticket != "jira":
        return False
    mine = one.open and not one.ticket and one.name != RETROSPECTIVE and one.what != "(erased)"
    return mine and not found.private and found.kind != "drill" and found.status != "cancelled"


def given(tx: Tx, policy: Policy, one: FollowUp) -> dict[str, str]:
    """The inputs of `followup/ticket`; the day as the organisation counts days."""
    due = one.due_at.astimezone(ZoneInfo(policy.organisation.time_zone)).date().isoformat()
    return {"followup": one.name, "what": one.what, "owner": people.name(tx, one.owner), "due": due}


def ask_for(call: Call, found: Incident, one: FollowUp) -> str:
    """Start making its issue where one is wanted; a line for the answer. A run that cannot start undoes nothing."""
    policy = call.house.policy
    if not wanted(policy, found, one):
        return ""
    follow(call.tx, call.house, found)
    run, wrong = try_start(call, MAKE, given(call.tx, policy, one), found)
    if run is None:
        return f"No issue in Jira is made of {one.name}: {wrong}"
    timers.set(call.tx, TICKETED, run, call.tx.now + SOON)
    settle.arm(call.tx, run, quiet=True)
    return f"Its issue in Jira is being made; `/incident followups {found.id}` shows it."


def follow(tx: Tx, house: House, found: Incident) -> None:
    """Have its issues looked at from the next working day on, unless that is set already."""
    timers.ensure(tx, TICKETS, found.id, working(house.policy, tx.now + DAY))
