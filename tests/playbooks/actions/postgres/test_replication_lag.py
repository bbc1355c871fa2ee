"""`postgres.replication_lag`: by the primary, by the standby, and where nobody is heard."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.postgres.replication_lag import ReplicationLag
from playbooks.connectors.postgres import Postgres
from playbooks.errors import NotYet, Refused
from tests.postgres_pair import Pair

STANDBY, PRIMARY = "env://STANDBY_DSN", "env://PRIMARY_DSN"


async def test_level_and_behind(world: Any, postgres: Postgres, pair: Pair) -> None:
    looking = world(postgres)
    pair.primary.sql("INSERT INTO orders (total_cents) VALUES (1)")
    pair.level()
    seen = await ReplicationLag(dsn=STANDBY, primary=PRIMARY, most="1s", most_bytes=0).look(looking)
    assert (seen.role, seen.lag_s, seen.lag_bytes, seen.streaming) == ("standby", 0, 0, True)
    by_primary = await ReplicationLag(dsn=PRIMARY).look(looking)
    assert by_primary.role == "primary" and [(one.state, one.sync) for one in by_primary.standbys] == [
        ("streaming", "async")
    ]
    pair.standby.sql("SELECT pg_wal_replay_pause()", "postgres")
    try:
        pair.primary.sql("INSERT INTO orders (total_cents) SELECT n FROM generate_series(1, 5000) n")
        behind = await ReplicationLag(dsn=STANDBY, primary=PRIMARY).look(looking)
        assert behind.lag_bytes and behind.lag_bytes > 100_000 and behind.lag_s and behind.lag_s > 0
        with pytest.raises(Refused, match="of log behind, 10 are allowed"):
            await ReplicationLag(dsn=STANDBY, primary=PRIMARY, most_bytes=10).look(looking)
        with pytest.raises(NotYet, match="behind, 0 s are allowed"):
            await ReplicationLag(dsn=STANDBY, most=0, within="1m").look(looking)
        plan = await ReplicationLag(dsn=STANDBY, primary=PRIMARY).plan(looking)
        assert plan.data_loss_s is not None and "bytes of log" in plan.data_loss
        assert plan.effect == f"Measure how far {STANDBY} is behind"
    finally:
        pair.standby.sql("SELECT pg_wal_replay_resume()", "postgres")


async def test_a_standby_that_hears_nobody_does_not_call_itself_level(
    world: Any, postgres: Postgres, pair: Pair
) -> None:
    """It replayed all it received: the trap. What it lacks is at most as old as its newest transaction."""
    pair.primary.sql("INSERT INTO orders (total_cents) VALUES (1)")
    pair.level()
    pair.primary.crash()
    pair.standby.wait(lambda: not pair.standby.sql("SELECT 1 FROM pg_stat_wal_receiver", "postgres"))
    alone = await ReplicationLag(dsn=STANDBY).look(world(postgres))
    assert not alone.streaming and alone.lag_s and alone.lag_s > 0 and alone.lag_bytes is None
    with pytest.raises(Refused, match="1 ms are allowed"):
        await ReplicationLag(dsn=STANDBY, most="1ms").look(world(postgres))


async def test_no_standby_is_a_finding_and_refused_only_where_a_bound_is_given(
    world: Any, postgres: Postgres, pair: Pair
) -> None:
    pair.standby.crash()
    pair.primary.wait(lambda: not pair.primary.sql("SELECT 1 FROM pg_stat_replication", "postgres"))
    step = ReplicationLag(dsn=PRIMARY)
    alone = await step.look(world(postgres))
    assert alone.lag_s is None and step.say(alone).startswith("no standby is connected")
    with pytest.raises(Refused, match="no standby is connected"):
        await ReplicationLag(dsn=PRIMARY, most="15m").look(world(postgres))
