"""`redis.ping`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.redis.ping import Ping
from playbooks.connectors.redis import Redis
from playbooks.errors import NotYet, Refused, Temporary

URL = "env://CHECKOUT_REDIS_URL"


async def test_there_slow_and_away(
    world: Any, cache: Redis, sb: SandboxClient, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Ping(url=URL)
    seen = await step.look(world(cache))
    assert step.say(seen) == f"answered in {seen.latency_ms:g} ms"
    assert (await step.plan(world(cache))).effect == f"{URL} must answer in 1000 ms"
    await sb.latency("redis", 0.1, "PING")
    with pytest.raises(Refused, match="ms to answer"):
        await Ping(url=URL, slower_than_ms=50).look(world(cache))
    monkeypatch.setenv("AWAY_URL", f"redis://u:hunter2@127.0.0.1:{closed_port}/0")
    with pytest.raises(Temporary, match="connection refused"):
        await Ping(url="env://AWAY_URL").look(world(cache))
    patient = Ping(url="env://AWAY_URL", within="1m")
    with pytest.raises(NotYet, match="env://AWAY_URL"):
        await patient.look(world(cache))
    assert (await patient.plan(world(cache))).outputs is None
