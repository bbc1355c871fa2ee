"""The gate in front of the demo's real servers: what passes is recorded, and fails as planned in the server's own way."""

from __future__ import annotations

import psycopg
import pytest
import redis.asyncio as client
import redis.exceptions
from sqlalchemy.engine import URL

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.postgres_wire import method


def test_statements_are_called_as_people_would() -> None:
    assert [method(one) for one in ("SELECT pg_promote(true, 5)", "select 1", "ALTER DATABASE x SET y = on", " BEGIN;", "")] == [
        "pg_promote", "SELECT", "ALTER DATABASE", "BEGIN", ""]  # fmt: skip


async def test_a_database_that_fails_as_planned(server: URL) -> None:
    uri = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=uri) as sandbox, SandboxClient(sandbox.url) as sb:
        dsn = sandbox.env()["CHECKOUT_DSN"]
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as line:
            await sb.fail("postgres", "INSERT", "error:53300")
            async with line.transaction():
                with pytest.raises(psycopg.errors.TooManyConnections):
                    async with line.transaction():
                        await line.execute("INSERT INTO orders (customer, total_cents) VALUES (%s, 1)", ("x",))
                count = await (await line.execute("SELECT count(*) FROM orders")).fetchone()
            assert count == (40,)  # it never arrived, and the line is as good as before
            await sb.fail("postgres", "DELETE", "close_after")
            with pytest.raises(psycopg.OperationalError):
                await line.execute("DELETE FROM payments")
        async with await psycopg.AsyncConnection.connect(dsn) as line:
            assert await (await line.execute("SELECT count(*) FROM payments")).fetchone() == (0,)
            await sb.fail("postgres", "COMMIT", "reset")
            with pytest.raises(psycopg.OperationalError):
                await line.execute("DELETE FROM orders")
                await line.commit()
        seen = {call["method"]: call for call in await sb.calls("postgres")}
        assert seen["DELETE"]["effect"] and seen["DELETE"]["fault"] is None and not seen["INSERT"]["effect"]
        async with await psycopg.AsyncConnection.connect(dsn) as line:
            assert await (await line.execute("SELECT count(*) FROM orders")).fetchone() == (40,)


async def test_a_cache_that_fails_as_planned(sandbox: Sandbox, sb: SandboxClient) -> None:
    url = sandbox.env()["CHECKOUT_REDIS_URL"]
    for protocol in (2, 3):
        async with client.Redis.from_url(url, protocol=protocol, decode_responses=True) as line:
            assert await line.dbsize() == 35 and (await line.info())["role"] == "master"
            assert await line.mget("page:1", "nothing") == ["cached", None]
            await sb.fail("redis", "DEL", "error:READONLY")
            with pytest.raises(redis.exceptions.ReadOnlyError):
                await line.delete("page:1")
    [*_, call] = await sb.calls("redis", "DEL")
    assert call["error"] == "READONLY" and not call["effect"]
    assert all("hunter" not in str(one["arguments"]) for one in await sb.calls("redis"))
