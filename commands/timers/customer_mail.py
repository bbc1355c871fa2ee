"""Customers must have mail within a time, and have none yet: a word to whoever writes it, before that time is over.

Belongs here: when that is, whether they had mail, what is said. Does not belong here: the mail itself
(comms/service-disruption).
It counts on after the incident was resolved, since customers are owed it all the same; nobody is mailed by itself.
The strictest severity it ever had counts: lowering takes nothing from what customers are owed.
"""

from __future__ import annotations

from datetime import datetime

from commands.house import House
from commands.timers.telling import tell
from commands.words import clock
from playbooks.policy import Policy
from storage import incidents, runs, timeline, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident
from storage.types import iso

KIND = "customer_mail"
LEFT = 6  # the first word comes when a sixth of the time is left: 4 h of a day


def arm(tx: Tx, policy: Policy, found: Incident) -> None:
    """Set its clock, counted from the declare, or move it forward; none where nobody is owed mail."""
    due = _due(tx, policy, found)
    if due is None:
        timers.cancel(tx, KIND, found.id)
    else:
        timers.sooner(tx, KIND, found.id, max(tx.now, _soon(found, due)))


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Told twice: before the time is over, and when it is."""
    found = incidents.get(tx, subject, lock=True)
    due = _due(tx, house.policy, found) if found else None
    if found is None or due is None or found.status == "cancelled" or _mailed(tx, house, found):
        return
    if tx.now < _soon(found, due):
        timers.set(tx, KIND, subject, _soon(found, due))
        return
    late = tx.now >= due
    if late:
        if _said(tx, subject, due):
            return
        incidents.overdue(tx, subject, KIND, due)
    else:
        timers.set(tx, KIND, subject, due)
    when = clock(due, tx.now)
    owed = f"was due by *{when} UTC*, and Muster sent none" if late else f"is due by *{when} UTC*"
    into = f"incident={subject} kind=during" if found.open else "kind=after"  # nothing new runs in what has ended
    line = f"/playbook run comms/service-disruption {into} service={found.service or '<service>'} status=…"
    text = f"⏰ *{subject}*: mail to affected customers {owed}. `{line}`"
    comms = [name for name, one in house.policy.roles.items() if "comms" in (name, *one.aliases)]
    tell(tx, found, text, key=f"{KIND}:{subject}:{'late' if late else 'soon'}:{ask.key}", roles=(*comms, "commander"))


def _due(tx: Tx, policy: Policy, found: Incident) -> datetime | None:
    if found.private or found.kind == "drill":
        return None
    changes = timeline.read(tx, found.id, types=("incident.severity",))
    had = [policy.severities.get(name) for name in {found.severity, *(str(one.body["from"]) for one in changes)}]
    within = [one.customer_mail_within for one in had if one and one.customer_mail_within is not None]
    return found.declared_at + min(within) if within else None


def _said(tx: Tx, incident: str, due: datetime) -> bool:
    """Whether it was told already that this time is over; the severity may change after that."""
    said = timeline.read(tx, incident, types=("clock.overdue",))
    return any((one.body["what"], one.body["due_at"]) == (KIND, iso(due)) for one in said)


def _soon(found: Incident, due: datetime) -> datetime:
    return due - (due - found.declared_at) / LEFT


def _mailed(tx: Tx, house: House, found: Incident) -> bool:
    """Whether a run of the incident sent mail to a list of customers."""
    lists = {name for name, one in house.policy.mail_lists.items() if one.audience == "customers"}
    steps = [step for run in runs.of_incident(tx, found.id) for step in runs.steps_of(tx, run.id)]
    return any(
        step.uses == "mail.send" and step.state == "succeeded" and (step.params or {}).get("to") in lists
        for step in steps
    )
