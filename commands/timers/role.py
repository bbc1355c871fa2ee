"""Nobody leads, or a role is nobody's: a word to who can give it, with buttons to take each.

Belongs here: when that is asked and what is said. Does not belong here: roles (commands/incident/role.py). Armed where
policy requires a commander; quiet in drills.
"""

from __future__ import annotations

from datetime import timedelta

from commands.command import Button
from commands.house import House
from commands.nudging import holder, nudge
from commands.words import esc, joined
from playbooks.policy import Severity
from storage import incidents, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident

KIND = "role"
FIRST, AGAIN = timedelta(minutes=5), timedelta(minutes=15)


def arm(tx: Tx, found: Incident, severity: Severity) -> None:
    """Look in five minutes, where this severity requires a commander."""
    if severity.commander_required:
        timers.ensure(tx, KIND, found.id, tx.now + FIRST)
    else:
        timers.cancel(tx, KIND, found.id)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Again every quarter of an hour until each role is somebody's; the interim commander is
    somebody, and is asked to take it."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or not found.open:
        return
    worn, roles = incidents.roles(tx, subject), house.policy.roles
    free = [role for name, role in roles.items() if name not in worn]
    interim = [role for name, role in roles.items() if name in worn and worn[name].interim]
    if not free and not interim:
        return
    timers.set(tx, KIND, subject, tx.now + AGAIN)
    said = f"nobody is {joined([f'*{esc(role.title)}*' for role in free], 'or')}" if free else ""
    keeps = f"you are *{esc(interim[0].title)}* only until somebody takes it" if interim else ""
    text = (
        f"⏰ *{subject}*: {'; '.join(part for part in (said, keeps) if part)}. `/incident role … @somebody` gives it."
    )
    take = tuple(
        Button(label=f"Take {role.title}"[:75], line=f"incident role {role.name} me incident={subject}")
        for role in [*interim, *free][:4]
    )
    nudge(tx, found, KIND, text, to=holder(tx, house.policy, found, "commander"), buttons=take)
