"""`playbooks/connectors/redis.py` against a real Redis: what it reads, how calls end, and what it never says."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.sandbox import Sandbox, SandboxClient
from playbooks.connectors.answers import Alive, ServiceRefused
from playbooks.connectors.redis import TRACE, Redis, RedisReads
from playbooks.errors import MusterError, Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef

URL = SecretRef("env://CHECKOUT_REDIS_URL")


@pytest.fixture
async def cache(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CHECKOUT_REDIS_URL", env["CHECKOUT_REDIS_URL"])
    one = Redis(connect_timeout=10, read_timeout=0.6)
    yield one
    await one.close()


async def test_what_it_reads(cache: Redis) -> None:
    assert await cache.ping(URL) < 5000
    info = await cache.info(URL)
    assert (info.role, info.primary, info.keys, info.databases) == ("master", True, 35, {"db0": 35})
    assert (
        info.version.startswith("6.2") and info.clients >= 1 and info.saved and not info.cluster and not info.replicas
    )
    sessions = await cache.count(URL, "session:*", most=10_000, within=5)
    assert (sessions.matching, sessions.total, sessions.whole) == (25, 35, True)


async def test_a_flush_leaves_its_trace_and_nothing_else(cache: Redis) -> None:
    assert not await cache.flushed(URL, "run-1")
    await cache.flush(URL, "run-1")
    assert await cache.flushed(URL, "run-1") and not await cache.flushed(URL, "run-2")
    left = await cache.count(URL, "*", most=100, within=1)
    assert left.total == 1 and (await cache.count(URL, f"{TRACE}*", most=100, within=1)).matching == 1


@pytest.mark.parametrize(
    ("mode", "kind", "flushed"),
    [
        ("timeout_before", Uncertain, False),
        ("timeout_after", Uncertain, True),
        ("close_after", Uncertain, True),
        ("reset", Uncertain, False),
        ("error:NOPERM", Refused, False),
        ("error:LOADING", Temporary, False),
        ("error:READONLY", Refused, False),
    ],
)
async def test_every_way_a_write_can_end(
    cache: Redis, sb: SandboxClient, ending: Any, mode: str, kind: type[MusterError], flushed: bool
) -> None:
    await cache.ping(URL)
    await sb.fail("redis", "EXEC", mode)
    began = time.monotonic()
    error = await ending(cache.flush(URL, "run-1"))
    assert isinstance(error, kind) and "127.0.0.1" not in f"{error} {error!r}" and time.monotonic() - began < 3
    assert await cache.flushed(URL, "run-1") is flushed
    assert [call["fault"] for call in await sb.calls("redis", "EXEC")] == [mode]  # and it was not sent twice


async def test_a_read_that_breaks_did_nothing(cache: Redis, sb: SandboxClient, ending: Any) -> None:
    await sb.fail("redis", "INFO", "close_after")
    assert isinstance(await ending(cache.info(URL)), Temporary)
    await sb.fail("redis", "INFO", "error:NOPERM")
    error = await ending(cache.info(URL))
    assert isinstance(error, ServiceRefused) and error.code == "NOPERM" and "Allow the user" in error.todo


async def test_no_error_shows_the_address_or_the_password(
    cache: Redis, sandbox: Sandbox, closed_port: int, ending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody there, no such host, no address, a wrong sign-in, no TLS, one that says nothing, one that is full."""
    silent = await asyncio.start_server(_silent, "127.0.0.1", 0)
    full = await asyncio.start_server(_full, "127.0.0.1", 0)
    ours = sandbox.cache.gate.port
    cases: list[tuple[str, type[MusterError], str]] = [
        (f"redis://u:hunter2@127.0.0.1:{closed_port}/0", Temporary, "refused"),
        ("redis://u:hunter2@no-such-host.invalid/0", Temporary, "resolve"),
        ("hunter2", Refused, "no Redis address"),
        (f"redis://u:hunter2@127.0.0.1:{ours}/0", Refused, "sign-in"),
        (f"rediss://u:hunter2@127.0.0.1:{ours}/0", Temporary, ""),
        (f"redis://u:hunter2@127.0.0.1:{_port(silent)}/0", Temporary, "in time"),
        (f"redis://127.0.0.1:{_port(full)}/0", Alive, "full"),
    ]
    impatient = RedisReads(connect_timeout=1, read_timeout=0.3)
    await cache.ping(URL)
    for address, kind, words in cases:
        monkeypatch.setenv("SHOP_REDIS", address)
        error = await ending(impatient.ping(SecretRef("env://SHOP_REDIS")))
        assert isinstance(error, kind) and words in str(error) and "env://SHOP_REDIS" in str(error), (address, error)
        shown = f"{error} {error!r} {error.__cause__} {error.__suppress_context__ or error.__context__}"
        assert not any(part in shown for part in ("hunter2", "127.0.0.1", "no-such-host"))
    await impatient.close()
    silent.close()
    full.close()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def _full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"-ERR max number of clients reached\r\n")
    writer.close()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()
