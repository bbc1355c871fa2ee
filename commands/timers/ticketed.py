"""What became of a run that made a follow-up's issue, or looked at several: its outcome, onto the follow-ups.

Belongs here: that look when the run has ended. Does not belong here: starting such runs (commands/ticketing.py,
tickets.py). A run that found nothing out changes nothing: the next look asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commands.house import House
from commands.incident.followups import line
from commands.nudging import nudge
from commands.ticketing import LOOK, MAKE, SOON, TICKETED, follow
from playbooks.engine.moves import RUN_ENDED
from storage import followups, incidents, runs, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident

KIND = TICKETED


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the run. The engine pulls the timer forward when the run ends."""
    run = runs.get(tx, subject)
    found = incidents.get(tx, run.incident, lock=True) if run and run.incident else None
    if run is None or found is None:
        return
    if run.state not in RUN_ENDED:
        timers.set(tx, KIND, subject, tx.now + SOON)
        return
    said = {step.id: step.outputs or {} for step in runs.steps_of(tx, run.id) if step.state == "succeeded"}
    if run.playbook == MAKE and "ticket" in said:
        name, made = str(run.inputs["followup"]), said["ticket"]
        followups.ticketed(tx, found.id, name, ticket=str(made["ticket"]), url=str(made["url"]), run=run.id)
        follow(tx, house, found)
    if run.playbook == LOOK and "look" in said:
        _seen(tx, found, run.id, said["look"])


def _seen(tx: Tx, found: Incident, run: str, said: Mapping[str, Any]) -> None:
    for one in followups.of_incident(tx, found.id):
        if not one.open or not one.ticket:
            continue
        if one.ticket in said["done"]:
            followups.done(tx, found.id, one.name, by="muster", ticket=one.ticket)
        elif one.ticket in said["gone"] and followups.lost(tx, found.id, one.name, run=run):
            text = f"⚠️ *{found.id}*: Jira does not show {one.ticket} any more (deleted, moved, or not ours to see).\n"
            todo = f"It is reminded of here alone: `/incident followups {found.id} done {one.name}` when it is done."
            nudge(tx, found, "followup", text + line(tx, one) + "\n" + todo, to=[one.owner], about=one.name, snooze="")
