"""`postgres.drop_scratch`: what Muster made, when nobody uses it, and nothing else."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.drop_scratch import DropScratch
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused, Uncertain


async def test_dropped_once(
    world: Any, act: Any, postgres: Postgres, impatient: Postgres, env: dict[str, str], sb: SandboxClient, line: Any
) -> None:
    name = f"scratch_drop_{env['CHECKOUT_DSN'][-8:]}"
    step = DropScratch(dsn="env://CHECKOUT_DSN", database=name)
    assert (step.risk, step.again) == (Risk.WRITE, Again.NEVER)
    with pytest.raises(Refused, match="There is no database"):
        await step.plan(world(postgres))
    await line(f"CREATE DATABASE {name}")  # by hand, under a name like ours
    with pytest.raises(Refused, match="was not made by Muster"):
        await step.run(act(postgres))
    await line(f"DROP DATABASE {name}")
    await postgres._create_scratch(step.dsn, name, "run-1")
    plan = await step.plan(world(postgres))
    assert plan.effect == f"Drop the scratch database {name} on the server of env://CHECKOUT_DSN"
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"].rpartition("/")[0] + f"/{name}"):
        with pytest.raises(Refused, match="1 sessions use"):
            await step.run(act(postgres))
    await sb.fail("postgres", "DROP DATABASE", "error:55006")
    with pytest.raises(Refused, match="others are using it"):
        await step.run(act(postgres))
    assert (await step.reconcile(world(postgres))).happened is False
    await sb.fail("postgres", "DROP DATABASE", "close_after")
    with pytest.raises(Uncertain):
        await step.run(act(impatient))
    found = await step.reconcile(world(postgres))
    assert found.happened is True and (await step.verify(world(postgres), found.outputs)).ok is True
    with pytest.raises(ValidationError, match="a scratch database is called"):
        DropScratch(dsn="env://CHECKOUT_DSN", database="checkout")
