"""The demo's cache, and the pair of real servers with gates that can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.gate import Gate
from bot.sandbox.redis_wire import RedisWire
from playbooks.connectors.redis import Redis
from tests.patience import READ_S
from tests.redis_pair import RedisPair, Server


@pytest.fixture
async def cache(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """The connector, with the demo's cache as env://CHECKOUT_REDIS_URL."""
    monkeypatch.setenv("CHECKOUT_REDIS_URL", env["CHECKOUT_REDIS_URL"])
    one = Redis(connect_timeout=10, read_timeout=READ_S)
    yield one
    await one.close()


@pytest.fixture
def pair(redis_pair: RedisPair, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisPair]:
    """The pair, whole, as env://PRIMARY_URL and env://REPLICA_URL."""
    pair = redis_pair.whole()
    monkeypatch.setenv("PRIMARY_URL", pair.primary.url)
    monkeypatch.setenv("REPLICA_URL", pair.replica.url)
    yield pair


@pytest.fixture
async def gated(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str, Server], Awaitable[None]]]:
    """await gated("PRIMARY_URL", server): from now on that address leads through a gate of the sandbox."""
    gates: list[Gate] = []

    async def put(name: str, server: Server) -> None:
        gate = Gate(lambda: sandbox.wire, RedisWire, lambda: asyncio.open_connection("127.0.0.1", server.port))
        await gate.listen()
        gates.append(gate)
        monkeypatch.setenv(name, f"redis://127.0.0.1:{gate.port}/0")

    yield put
    for gate in gates:
        gate.close()
