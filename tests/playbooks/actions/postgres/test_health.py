"""`postgres.health`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.postgres.health import HealthOf
from playbooks.connectors.postgres import Postgres
from playbooks.errors import NotYet, Refused, Temporary

DSN = "env://CHECKOUT_DSN"


async def test_how_it_is(world: Any, postgres: Postgres, line: Any) -> None:
    step = HealthOf(dsn=DSN, writes=True)
    seen = await step.look(world(postgres))
    assert (seen.role, seen.accepts_writes) == ("primary", True) and int(seen.version.split(".")[0]) >= 14
    assert 0 < seen.connections < seen.max_connections and seen.used_percent < 100
    plan = await step.plan(world(postgres))
    assert plan.effect == f"{DSN} must accept writes and have connections to spare"
    assert plan.notes[0].startswith(f"Now: PostgreSQL {seen.version}, primary, ") and plan.outputs["role"] == "primary"
    await line("BEGIN")
    await line("SELECT 1")
    with pytest.raises(Refused, match="a transaction has been open"):
        await HealthOf(dsn=DSN, transaction_below="1ms").look(world(postgres))
    assert (await step.look(world(postgres))).idle_in_transaction >= 1
    await line("ROLLBACK")


async def test_what_is_not_so_is_no_or_not_yet(
    world: Any, postgres: Postgres, line: Any, sb: SandboxClient, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotYet, match="connections are used"):
        await HealthOf(dsn=DSN, connections_below=1, within="1m").look(world(postgres))
    [[name]] = await line("SELECT current_database()")
    await line(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(Refused, match="does not accept writes \\(read-only\\)"):
        await HealthOf(dsn=DSN, writes=True).look(world(postgres))
    monkeypatch.setenv("AWAY_DSN", f"postgresql://u:hunter2@127.0.0.1:{closed_port}/d")
    away = HealthOf(dsn="env://AWAY_DSN")
    with pytest.raises(Temporary, match="env://AWAY_DSN"):
        await away.look(world(postgres))
    patient = away.model_copy(update={"within": HealthOf(dsn=DSN, within="2m").within})
    with pytest.raises(NotYet):
        await patient.look(world(postgres))
    plan = await patient.plan(world(postgres))
    assert plan.outputs is None and "connection refused" in plan.notes[0] and plan.effect.endswith("within 2 min")
    await sb.fail("postgres", "SELECT", "error:53300", times=-1)
    with pytest.raises(Temporary, match="too many connections"):
        await HealthOf(dsn=DSN).look(world(postgres))
