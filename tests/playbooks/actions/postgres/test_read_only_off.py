"""`postgres.read_only_off`: also on a promoted standby, which brought the setting along."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.postgres.read_only_off import ReadOnlyOff
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused, Uncertain
from tests.postgres_pair import Pair

STEP = ReadOnlyOff(dsn="env://CHECKOUT_DSN")


async def test_off_once_and_a_lost_answer_is_seen(
    world: Any, act: Any, postgres: Postgres, impatient: Postgres, sb: SandboxClient
) -> None:
    assert STEP.risk is Risk.RECOVERABLE
    with pytest.raises(Refused, match="is open for writes already"):
        await STEP.plan(world(postgres))
    await postgres.set_read_only(STEP.dsn, "on")
    plan = await STEP.plan(world(postgres))
    assert plan.effect.endswith("at env://CHECKOUT_DSN take writes again") and "no other server" in plan.warnings[0]
    await sb.fail("postgres", "ALTER DATABASE", "error:42501")
    with pytest.raises(Refused):
        await STEP.run(act(postgres))
    assert (await STEP.reconcile(world(postgres))).happened is False
    await sb.fail("postgres", "COMMIT", "timeout_after", after=2)  # the first two end its looks
    with pytest.raises(Uncertain):
        await STEP.run(act(impatient))
    found = await STEP.reconcile(world(postgres))
    assert found.happened is True and (await STEP.verify(world(postgres), found.outputs)).ok is True
    assert (await postgres.switch(STEP.dsn)).value is None


async def test_a_standby_is_refused(world: Any, postgres: Postgres, pair: Pair) -> None:
    with pytest.raises(Refused, match="is a standby"):
        await ReadOnlyOff(dsn="env://STANDBY_DSN").plan(world(postgres))
