"""`failover/secondary-site` with two real servers: the primary's machine is gone, its standby is promoted, and rows are there.

Belongs here: what the sandbox's replica only says. Does not belong here: failures of each step (test_library.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.library import holds
from tests.library.entry import entry_of
from tests.library.stage import Stage, Theatre
from tests.postgres_pair import Pair

NAME = "failover/secondary-site"
OWN: Mapping[str, str] = {  # a server of our own instead of RDS, and a health that does not ask RDS
    "instance: orders-db-replica": "instance: null",
    "${CHECKOUT_SECONDARY_HEALTH_URL:-https://dr.checkout.example.com/health}": "${CHECKOUT_CANARY_URL}",
}


async def test_a_real_standby_is_promoted(
    sqlite_template: Path, tmp_path: Path, server: URL, postgres_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = postgres_pair.whole()
    pair.primary.sql("INSERT INTO orders (total_cents) VALUES (4711)")
    pair.level()
    shared = server.set(drivername="postgresql").render_as_string(hide_password=False)

    async def lost(stage: Stage) -> None:
        pair.primary.crash()

    async def promoted(stage: Stage) -> None:
        assert pair.standby.sql("SELECT pg_is_in_recovery()") == [(False,)]
        assert pair.standby.sql("SELECT count(*) FROM orders WHERE total_cents = 4711") == [(1,)]
        assert pair.standby.sql("SELECT note FROM muster_markers ORDER BY written_at DESC LIMIT 1") == [
            ("checkout active at secondary",)
        ]

    entry = replace(entry_of(NAME), policy=OWN, prepare=lost, check=promoted, skipped=("promote",))
    async with Theatre(sqlite_template, tmp_path, shared) as theatre:
        monkeypatch.setenv("CHECKOUT_DSN", pair.primary.dsn())
        monkeypatch.setenv("CHECKOUT_SECONDARY_DSN", pair.standby.dsn())
        async with theatre.stage(entry) as stage:
            run = await holds.plays(stage, NAME)
            steps = {step.id: step for step in await stage.steps(run.id)}
    where = steps["where"].outputs or {}
    assert where["writer_at"] == "" and where["dns_says"] == "primary"
    assert (steps["lag"].outputs or {})["role"] == "standby"
    assert (steps["promote_standby"].outputs or {})["timeline_before"] == 1
