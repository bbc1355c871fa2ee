"""The policy's time after an incident was closed is over: its channel is archived, by a run.

Belongs here: whether it still should be. Does not belong here: closing (commands/incident/close.py), Slack.
"""

from __future__ import annotations

import structlog

from commands.house import House
from playbooks.engine.load import typed_inputs
from playbooks.engine.requests import start_run
from playbooks.errors import Refused
from storage import incidents, standing
from storage.db import Tx, savepoint
from storage.inbox import Ask

PLAYBOOK = "close/archive"
log = structlog.get_logger(__name__)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. Not when it was opened again, or has no channel."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or found.open or not found.channel or standing.closed_at(found) is None:
        return
    try:
        with savepoint(tx):
            playbook = house.library.find(PLAYBOOK)
            start_run(
                tx, house.engine, playbook=playbook, inputs=typed_inputs(playbook, {}, house.policy, tx.now),
                incident=found.id, requester="muster", shown=False,
            )  # fmt: skip
    except Refused as error:  # nothing is lost: the channel stays as it is
        log.warning("archive.not_started", incident=subject, error=error.message)
