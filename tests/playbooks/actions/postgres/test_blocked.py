"""`postgres.blocked`: who waits for whom, down to the one that waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import psycopg
import pytest

from playbooks.actions.postgres.blocked import BlockedSessions
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.postgres import Postgres

STEP = BlockedSessions(dsn="env://CHECKOUT_DSN")


@pytest.fixture
async def jam(env: dict[str, str]) -> AsyncIterator[list[int]]:
    """Three sessions: the first holds a row, the second waits for it holding another, the third waits for that one."""
    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], application_name=f"jam-{n}"))
            for n in (1, 2, 3)
        ]  # fmt: skip
        await lines[0].execute("UPDATE orders SET total_cents = 1 WHERE id = 1")
        await lines[1].execute("UPDATE orders SET total_cents = 1 WHERE id = 2")
        waits = [asyncio.create_task(lines[1].execute("UPDATE orders SET customer = 'Ana' WHERE id = 1")),
                 asyncio.create_task(lines[2].execute("UPDATE orders SET total_cents = 4711 WHERE id = 2"))]  # fmt: skip
        yield [line.info.backend_pid for line in lines]
        for line in lines:
            line.pgconn.finish()
        for wait in waits:
            wait.cancel()
            with suppress(asyncio.CancelledError, psycopg.Error):
                await wait


async def test_the_root_of_a_jam(world: Any, postgres: Postgres, jam: list[int], settled: Any) -> None:
    async def both() -> Any:
        seen = await STEP.look(world(postgres))
        return seen if seen.count == 2 else None

    seen = await settled(both)
    assert len(seen.roots) == 1 and seen.roots[0].startswith(f"{jam[0]}@") and not seen.prepared
    assert seen.blockers[0].state == "idle in transaction" and seen.blockers[0].application == "jam-1"
    waiting = {one.application: one for one in seen.waiting}
    assert waiting["jam-2"].blocked_by == seen.roots and waiting["jam-3"].blocked_by == (waiting["jam-2"].session,)
    assert waiting["jam-3"].query == "UPDATE orders SET total_cents = ? WHERE id = ?"
    said = STEP.say(seen)
    assert said.startswith("2 sessions wait, the longest ") and seen.roots[0] in said
    later = await BlockedSessions(dsn="env://CHECKOUT_DSN", longer_than="1h").look(world(postgres))
    assert later.count == 0 and STEP.say(later) == "no session waits for another"


async def test_a_role_that_may_not_see_others_is_refused_instead_of_seeing_nothing(
    world: Any, postgres: Postgres, env: dict[str, str], line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await line("DROP ROLE IF EXISTS shortsighted")
    await line("CREATE ROLE shortsighted LOGIN")
    monkeypatch.setenv("BLIND_DSN", env["CHECKOUT_DSN"].replace("postgres@", "shortsighted@"))
    with pytest.raises(ServiceRefused, match="hides the sessions of others") as refused:
        await BlockedSessions(dsn="env://BLIND_DSN").look(world(postgres))
    assert "pg_read_all_stats" in refused.value.todo
    await line("DROP ROLE shortsighted")
