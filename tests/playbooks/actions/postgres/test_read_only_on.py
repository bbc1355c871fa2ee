"""`postgres.read_only_on`, and its undo: new sessions only read, older ones where that was asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.read_only_on import ReadOnlyOn
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused, Temporary, Uncertain

DSN = "env://CHECKOUT_DSN"
STEP = ReadOnlyOn(dsn=DSN)
ENDING = ReadOnlyOn(dsn=DSN, end_sessions=True)
WRITE = "INSERT INTO orders (customer, total_cents) VALUES ('x', 1)"


@pytest.fixture
async def writer(env: dict[str, str]) -> AsyncIterator[Any]:
    """A program that has been connected since before."""
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], autocommit=True) as one:
        yield one
        one.pgconn.finish()


async def _writes(env: dict[str, str]) -> bool:
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], autocommit=True) as line:
        try:
            await line.execute(WRITE)
        except psycopg.errors.ReadOnlySqlTransaction:
            return False
        return True


async def test_on_once_and_back(world: Any, act: Any, postgres: Postgres, writer: Any, env: dict[str, str]) -> None:
    assert (STEP.risk, STEP.again, STEP.undo_risk()) == (Risk.RECOVERABLE, Again.NEVER, Risk.RECOVERABLE)
    plan = await STEP.plan(world(postgres))
    name = env["CHECKOUT_DSN"].rpartition("/")[2]
    assert plan.effect == f"Switch {name} at {DSN} to read-only for new sessions" and plan.targets[0].endswith(
        f"/{name}"
    )
    assert "Sessions that are open keep writing until they end." in plan.warnings
    assert (await STEP.reconcile(world(postgres))).happened is False
    done = await STEP.run(act(postgres))
    assert done.before is None and (await STEP.verify(world(postgres), done)).ok is True
    assert not await _writes(env) and (await STEP.reconcile(world(postgres))).happened is True
    await writer.execute(WRITE)  # as the plan warned
    with pytest.raises(Refused, match="is read-only already"):
        await STEP.run(act(postgres))

    back = await STEP.plan_undo(world(postgres), done)
    assert back.effect == f"Let {name} at {DSN} take writes again" and back.targets == plan.targets
    assert (await STEP.reconcile_undo(world(postgres), done)).happened is False
    await STEP.undo(act(postgres), done)
    assert await _writes(env) and (await STEP.verify_undo(world(postgres), done)).ok is True
    assert (await STEP.reconcile_undo(world(postgres), done)).happened is True
    with pytest.raises(Refused, match="Nothing to take back"):
        await STEP.plan_undo(world(postgres), done)


async def test_older_sessions_are_ended_where_asked_for(
    writer: Any, world: Any, act: Any, postgres: Postgres, env: dict[str, str]
) -> None:
    """`writer` comes first, so that it was there before the step began."""
    assert (await ENDING.plan(world(postgres))).effect.endswith("for new sessions and end its sessions")
    await postgres.set_read_only(ENDING.dsn, "on")  # as if it had been lost between the two
    half = await ENDING.reconcile(world(postgres, later_s=1))
    assert half.happened is None and "1 older sessions are still there" in half.evidence
    assert (await ENDING.verify(world(postgres, later_s=1), half.outputs)).ok is None
    await postgres.set_read_only(ENDING.dsn, "off")
    done = await ENDING.run(act(postgres))
    assert (done.before, done.ended) == ("off", 1)
    with pytest.raises(psycopg.OperationalError):
        await writer.execute(WRITE)
    assert (await ENDING.verify(world(postgres), done)).ok is True and not await _writes(env)
    await ENDING.undo(act(postgres), done)  # to what it had before, which was said aloud
    assert (await postgres.switch(ENDING.dsn)).value == "off" and await _writes(env)


async def test_lost_refused_and_throttled(
    world: Any, act: Any, postgres: Postgres, impatient: Postgres, sb: SandboxClient, env: dict[str, str], line: Any
) -> None:
    await postgres.server(STEP.dsn)
    for mode, error in (("error:42501", Refused), ("error:53300", Temporary), ("timeout_before", Uncertain)):
        await sb.fail("postgres", "ALTER DATABASE", mode)
        with pytest.raises(error):
            await STEP.run(act(impatient))
        assert (await STEP.reconcile(world(postgres))).happened is False and await _writes(env)
    await sb.fail("postgres", "COMMIT", "close_after", after=2)  # the first two end its looks
    with pytest.raises(Uncertain):
        await STEP.run(act(impatient))
    found = await STEP.reconcile(world(postgres))
    assert found.happened is True and (await STEP.verify(world(postgres), found.outputs)).ok is True


async def test_a_role_that_may_write_all_the_same_is_named(world: Any, act: Any, postgres: Postgres, line: Any,
                                                           env: dict[str, str]) -> None:  # fmt: skip
    name = env["CHECKOUT_DSN"].rpartition("/")[2]
    await line(f"ALTER ROLE postgres IN DATABASE {name} SET default_transaction_read_only = off")
    plan = await STEP.plan(world(postgres))
    assert "These roles may write all the same: postgres." in plan.warnings
    seen = await STEP.verify(world(postgres), await STEP.run(act(postgres)))
    assert seen.ok is False and "all the same" in seen.text  # the setting is there, and it does not hold
