"""`postgres.marker_write`: once for an attempt, in the table it makes, where writes are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.marker_write import MarkerWrite
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused, Uncertain
from tests.postgres_pair import Pair

STEP = MarkerWrite(dsn="env://CHECKOUT_DSN", note="before")


async def test_written_once_also_when_the_answer_is_lost(
    world: Any, act: Any, postgres: Postgres, impatient: Postgres, sb: SandboxClient, line: Any
) -> None:
    assert (STEP.risk, STEP.again) == (Risk.WRITE, Again.KEYED)
    plan = await STEP.plan(world(postgres))
    assert plan.effect.startswith("Write a marker into muster_markers of ") and plan.targets[0].endswith(
        "/muster_markers"
    )
    done = await STEP.run(act(postgres, key="run-1"))
    again = await STEP.run(act(postgres, key="run-1"))
    assert (again.marker, again.written_at) == (done.marker, done.written_at) and done.position
    await sb.fail("postgres", "INSERT", "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(impatient, key="run-2"))
    await STEP.run(act(postgres, key="run-2"))
    assert await line("SELECT id, note FROM muster_markers ORDER BY id") == [("run-1", "before"), ("run-2", "before")]
    seen = await STEP.verify(world(postgres), done)
    assert seen.ok is True and seen.text.endswith("read back")
    gone = await STEP.verify(world(postgres), done.model_copy(update={"marker": "run-9"}))
    assert gone.ok is None


async def test_where_no_writes_are_accepted_it_is_refused(world: Any, act: Any, postgres: Postgres, pair: Pair) -> None:
    step = MarkerWrite(dsn="env://STANDBY_DSN")
    with pytest.raises(Refused, match="it is a standby"):
        await step.plan(world(postgres))
    with pytest.raises(Refused, match="only reads"):
        await step.run(act(postgres))
    pair.primary.sql("ALTER DATABASE shop SET default_transaction_read_only = on", "postgres")
    for call in (
        MarkerWrite(dsn="env://PRIMARY_DSN").plan(world(postgres)),
        MarkerWrite(dsn="env://PRIMARY_DSN").run(act(postgres)),
    ):
        with pytest.raises(Refused, match="read-only"):
            await call
