"""Due timers as asks, and what was put into the outbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from storage import replies
from storage.inbox import Ask


async def _fire(talk: Any, line: str, **values: Any) -> None:
    key = f"timer:{line}:{next(talk.keys)}"
    given = {"account_kind": "muster", "account": "clock", "via": "clock", "values": values}
    await talk.stored(Ask(key=key, kind="timer", line=line, **given))


async def _sent(talk: Any) -> list[dict[str, Any]]:
    return [one.body for one in await talk.house.db.write(lambda tx: replies.claim(tx, "t", lease_s=600))]


@pytest.fixture
def fire(talk: Any) -> Callable[..., Awaitable[None]]:
    """`await fire("update INC-1")`; the timer's payload by name."""
    return lambda line, **values: _fire(talk, line, **values)


@pytest.fixture
def sent(talk: Any) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """The bodies of answers that wait to be sent, each once."""
    return lambda: _sent(talk)
