"""`postgres.check_tables`."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.postgres.check_tables import CheckTables
from playbooks.connectors.postgres import PostgresReads
from playbooks.errors import NotYet, Refused

STEP = CheckTables(dsn="env://CHECKOUT_DSN", tables=["orders", "payments"])


async def test_readable_tables(world: Any, postgres: PostgresReads) -> None:
    seen = await STEP.look(world(postgres))
    assert seen.readable == ("orders", "payments") and seen.empty == ()
    plan = await STEP.plan(world(postgres))
    assert plan.effect == "orders, payments must be readable within 2 min" and STEP.within_s() == 120
    assert plan.notes == ("Now: orders, payments readable",) and plan.outputs["readable"] == ["orders", "payments"]


async def test_not_yet_while_something_is_missing(
    world: Any, postgres: PostgresReads, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = CheckTables(dsn="env://CHECKOUT_DSN", tables=["orders", "refunds"], within="30s")
    with pytest.raises(NotYet, match="refunds: there is no such table"):
        await step.look(world(postgres))
    plan = await step.plan(world(postgres))
    assert plan.outputs is None and plan.notes == ("Now: refunds: there is no such table",) and step.within_s() == 30
    monkeypatch.setenv("AWAY_DSN", f"postgresql://u:hunter2@127.0.0.1:{closed_port}/d")
    with pytest.raises(NotYet, match="env://AWAY_DSN") as away:
        await CheckTables(dsn="env://AWAY_DSN", tables=["orders"]).look(world(postgres))
    assert "hunter2" not in str(away.value)


async def test_a_missing_secret_is_refused(world: Any, postgres: PostgresReads) -> None:
    with pytest.raises(Refused, match="NOT_SET"):
        await CheckTables(dsn="env://NOT_SET", tables=["orders"]).look(world(postgres))
