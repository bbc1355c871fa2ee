"""`playbooks/connectors/pace.py`."""

from __future__ import annotations

import asyncio
import time

import pytest

from playbooks.connectors.pace import FORGET_ABOVE, Gate, Spacing
from playbooks.errors import Temporary


def test_a_closed_gate_says_how_long_and_for_whom() -> None:
    gate = Gate()
    gate.close(("chat.postMessage", "C1"), 10)
    with pytest.raises(Temporary) as closed:
        gate.check(("chat.postMessage", "C1"), "Slack")
    assert 9 < (closed.value.retry_after or 0) <= 10
    gate.check(("chat.postMessage", "C2"), "Slack")
    gate.close(("chat.postMessage", "C1"), 0.01)
    with pytest.raises(Temporary):
        gate.check(("chat.postMessage", "C1"), "Slack")


def test_keys_that_passed_are_forgotten() -> None:
    gate = Gate()
    for number in range(FORGET_ABOVE + 5):
        gate.close(("m", str(number)), 0)
    assert len(gate._not_before) <= FORGET_ABOVE + 1


async def test_turns_keep_their_distance() -> None:
    pace, started = Spacing(0.05), time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(4)))
    assert 0.14 < time.monotonic() - started < 20
