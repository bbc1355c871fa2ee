"""`postgres.terminate`: the sessions that were named, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.terminate import SETTLED_S, Terminate
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused, Temporary, Uncertain

DSN = "env://CHECKOUT_DSN"


@pytest.fixture
async def victim(env: dict[str, str]) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], application_name="victim") as one:
        await one.execute("DELETE FROM payments")
        yield one
        one.pgconn.finish()


async def _named(postgres: Postgres, line: psycopg.AsyncConnection[Any]) -> str:
    every = await postgres.sessions(Terminate(dsn=DSN, sessions=["1@2026-01-01T00:00:00+00:00"]).dsn)
    return next(one.name for one in every if one.name.startswith(f"{line.info.backend_pid}@"))


async def test_it_ends_whom_it_names_once(world: Any, act: Any, postgres: Postgres, victim: Any, line: Any) -> None:
    name = await _named(postgres, victim)
    pid = name.partition("@")[0]
    step = Terminate(dsn=DSN, sessions=[name, name])
    assert (step.risk, step.again, step.sessions) == (Risk.RECOVERABLE, Again.NEVER, [name])
    plan = await step.plan(world(postgres))
    assert plan.effect == f"End 1 session at {DSN}: {name}" and plan.targets[0].endswith(f"/session/{name}")
    assert "victim" in plan.notes[0] and "DELETE FROM payments" in plan.notes[0]
    other_start = Terminate(dsn=DSN, sessions=[f"{pid}@2026-01-01T00:00:00.000001+00:00"])
    with pytest.raises(Refused, match="None of these sessions is there any more"):  # the number alone is not enough
        await other_start.run(act(postgres))
    await victim.execute("SELECT 1")
    done = await step.run(act(postgres))
    assert done.ended == (name,) and done.left == {}
    seen = await step.verify(world(postgres), done)
    assert seen.ok is not False
    with pytest.raises(psycopg.OperationalError):
        await victim.execute("SELECT 1")
    assert (await step.verify(world(postgres), done)).text == "1 session ended"
    assert await line("SELECT count(*) FROM payments") == [(40,)]  # rolled back
    with pytest.raises(Refused, match="any more"):
        await step.plan(world(postgres))


async def test_lost_refused_and_throttled(
    world: Any, act: Any, postgres: Postgres, impatient: Postgres, victim: Any, sb: SandboxClient, effects: Any
) -> None:
    step = Terminate(dsn=DSN, sessions=[await _named(postgres, victim)])
    for mode, error in (("error:42501", Refused), ("error:53300", Temporary), ("timeout_before", Uncertain)):
        await sb.fail("postgres", "pg_terminate_backend", mode)
        with pytest.raises(error):
            await step.run(act(impatient))
    early, late = await step.reconcile(world(postgres)), await step.reconcile(world(postgres, later_s=SETTLED_S + 1))
    assert (early.happened, late.happened) == (None, False)
    assert await effects("postgres", "pg_terminate_backend") == 0
    await sb.fail("postgres", "pg_terminate_backend", "close_after")
    with pytest.raises(Uncertain):
        await step.run(act(impatient))
    found = await step.reconcile(world(postgres))
    assert found.happened is True and (await step.verify(world(postgres), found.outputs)).ok is True


async def test_servers_own_workers_and_nonsense_are_refused(world: Any, postgres: Postgres) -> None:
    own = next(one.name for one in await postgres.sessions(Terminate(dsn=DSN, sessions=["1@2026-01-01T00:00:00Z"]).dsn)
               if not one.client)  # fmt: skip
    with pytest.raises(Refused, match="is no client"):
        await Terminate(dsn=DSN, sessions=[own]).plan(world(postgres))
    for wrong in ("4711", "4711@yesterday", "x@2026-01-01T00:00:00+00:00", "1@2026-01-01T00:00:00"):
        with pytest.raises(ValidationError, match="pid@start"):
            Terminate(dsn=DSN, sessions=[wrong])
