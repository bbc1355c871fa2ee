"""Once each working day while follow-ups with an issue in Jira are open: how do those issues stand?

Belongs here: starting that look, and again the issue of a follow-up that has none yet. Does not belong here: what the
look found (ticketed.py). Quiet in drills; ends when all are done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from commands.house import House
from commands.nudging import working
from commands.ticketing import DAY, LOOK, MAKE, SOON, TICKETED, TICKETS, given, wanted
from playbooks.engine.load import typed_inputs
from playbooks.engine.moves import RUN_ENDED
from playbooks.engine.requests import start_run
from playbooks.errors import Refused
from storage import followups, incidents, runs, timers
from storage.db import Tx, savepoint
from storage.followups import FollowUp
from storage.inbox import Ask
from storage.incidents import Incident

KIND = TICKETS
MOST, TRIES = 100, 5  # issues of one look; runs that try to make one issue
log = structlog.get_logger(__name__)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or found.kind == "drill" or found.status == "cancelled":
        return
    waits = [one for one in followups.of_incident(tx, subject) if one.open]
    known = [one.ticket for one in waits if one.ticket and not one.lost]
    missing = [one for one in waits if wanted(house.policy, found, one)]
    missing = [one for one in missing if worth_a_try(tx, one)]
    if not (known or missing):
        return
    opens = working(house.policy, tx.now)
    if opens > tx.now:
        timers.set(tx, KIND, subject, opens)
        return
    timers.set(tx, KIND, subject, working(house.policy, tx.now + DAY))
    for one in missing:
        _start(tx, house, found, MAKE, given(tx, house.policy, one))
    if known:
        _start(tx, house, found, LOOK, {"tickets": known[:MOST]})


def worth_a_try(tx: Tx, one: FollowUp) -> bool:
    """Whether making its issue is worth another try: no run is at it, and Jira is there."""
    mine = [r for r in runs.of_incident(tx, one.incident) if r.playbook == MAKE and r.inputs["followup"] == one.name]
    if not mine:
        return True
    left_out = any(step.state == "skipped" for step in runs.steps_of(tx, mine[-1].id) if step.id == "ticket")
    return mine[-1].state in RUN_ENDED and len(mine) < TRIES and not left_out


def _start(tx: Tx, house: House, found: Incident, name: str, inputs: Mapping[str, Any]) -> None:
    try:
        with savepoint(tx):
            playbook = house.library.find(name)
            run = start_run(
                tx, house.engine, playbook=playbook, inputs=typed_inputs(playbook, inputs, house.policy, tx.now),
                incident=found.id, requester="muster", shown=False,
            )  # fmt: skip
            timers.set(tx, TICKETED, run, tx.now + SOON)
    except Refused as error:  # tomorrow again
        log.warning("tickets.not_started", incident=found.id, playbook=name, error=error.message)
