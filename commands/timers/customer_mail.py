"""Customers must have mail within a time, and have none yet: a word to whoever writes it, before that time is over.

Belongs here: when that is, whether they had mail, what is said. Does not belong here: the mail itself
(comms/service-disruption).
It counts on after the incident was resolved, since customers are owed it all the same; nobody is mailed by itself.
"""

from __future__ import annotations

from datetime import datetime

from commands.house import House
from commands.timers.telling import tell
from commands.words import clock
from playbooks.policy import Severity
from storage import incidents, runs, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident

KIND = "customer_mail"
LEFT = 6  # the first word comes when a sixth of the time is left: 4 h of a day


def arm(tx: Tx, found: Incident, severity: Severity) -> None:
    """Set the clock of this severity, counted from the declare; none where nobody is owed mail."""
    due = _due(found, severity)
    if due is None:
        timers.cancel(tx, KIND, found.id)
    else:
        timers.set(tx, KIND, found.id, max(tx.now, _soon(found, due)))


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Told twice: before the time is over, and when it is."""
    found = incidents.get(tx, subject, lock=True)
    severity = house.policy.severities.get(found.severity) if found else None
    due = _due(found, severity) if found and severity else None
    if found is None or due is None or found.status == "cancelled" or _mailed(tx, house, found):
        return
    if tx.now < _soon(found, due):
        timers.set(tx, KIND, subject, _soon(found, due))
        return
    late = tx.now >= due
    if late:
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


def _due(found: Incident, severity: Severity) -> datetime | None:
    within = severity.customer_mail_within
    if within is None or found.private or found.kind == "drill":
        return None
    return found.declared_at + within


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
