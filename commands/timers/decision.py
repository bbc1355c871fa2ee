"""Nobody completed a decision of two people in time: it is over.

Belongs here: handing that to the engine. Does not belong here: when it is due (playbooks/engine/deciding.py).
"""

from __future__ import annotations

from commands.house import House
from playbooks.engine import deciding
from storage.db import Tx
from storage.inbox import Ask


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the decision."""
    deciding.expire(tx, subject)
