"""Muster's own waiting made short: a minute of waiting for the outside is a fraction of a second here.

The waits of the engine (tries again, looks again, how long it keeps looking) all go through the one writer of statuses,
those of the connectors through pace.py and ssm.py. There they are divided by SCALE, so playbooks keep their real words
(`within: 5m`) and every clock stays the real one.
Approvals and questions keep their real deadlines: people are quick here.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from playbooks.connectors import ssm
from playbooks.connectors.pace import Gate, Spacing
from playbooks.engine import transition
from storage.db import Tx
from storage.runs import Step

SCALE = 200.0
SHORTEST_DEADLINE_S = 0.5  # of what keeps looking, so that a slow machine still has its looks
MARGIN_S = 0.004


def shortened(patch: pytest.MonkeyPatch, wake: Any) -> None:
    """From now on engines wait SCALE times shorter; wake() is called in this loop when a wait is over."""
    loop = asyncio.get_running_loop()
    write = transition._move_step

    def quick(tx: Tx, step: Step, values: dict[str, Any]) -> None:
        due = None if values.get("question") else values.get("wake_at")  # who waits for a time is told to go on
        if due is not None and due > tx.now:
            left = (due - tx.now).total_seconds() / SCALE
            values["wake_at"] = tx.now + timedelta(seconds=left)
            loop.call_soon_threadsafe(loop.call_later, left + MARGIN_S, wake)
        if _keeps_looking(step, values):
            values["deadline"] = _sooner(tx.now, values["deadline"])
        write(tx, step, values)

    patch.setattr(transition, "_move_step", quick)
    close, spaced = Gate.close, Spacing.__init__
    patch.setattr(Gate, "close", lambda self, key, seconds: close(self, key, seconds / SCALE))
    patch.setattr(Spacing, "__init__", lambda self, every_s: spaced(self, every_s / SCALE))
    patch.setattr(ssm, "FIRST_S", 0.01)
    patch.setattr(ssm, "LONGEST_S", 0.1)


def _keeps_looking(step: Step, values: dict[str, Any]) -> bool:
    """A deadline of a probe or verification that is not shortened yet; a question's is for people."""
    new = values.get("deadline") is not None and values["deadline"] != step.deadline
    return new and values.get("question") is None


def _sooner(now: datetime, deadline: datetime) -> datetime:
    whole = (deadline - now).total_seconds()
    return now + timedelta(seconds=max(whole / SCALE, min(SHORTEST_DEADLINE_S, whole)))
