"""What one person decided alone has not been looked at: whoever may review is reminded, then administrators hear of it.

Belongs here: handing that to the engine. Does not belong here: when it is due, whom to tell
(playbooks/engine/reviewing.py).
"""

from __future__ import annotations

from commands.house import House
from playbooks.engine import reviewing
from storage.db import Tx
from storage.inbox import Ask


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the approval that one person gave alone."""
    reviewing.due(tx, house.engine, subject)
