"""An approval needs no answer any more: whoever was paged for it is let sleep.

Belongs here: starting `comms/approvers-answered` once. Does not belong here: the decision (playbooks/engine/voting.py).
"""

from __future__ import annotations

from commands.house import House
from playbooks.engine.requests import calls_answered
from storage.db import Tx
from storage.inbox import Ask


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the approval."""
    calls_answered(tx, house.engine, subject)
