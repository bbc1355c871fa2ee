"""`postgres.marker_read`: what was lost is measured, on a standby, on a promoted one, and on a point in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playbooks.actions.postgres.marker_read import MarkerRead
from playbooks.actions.postgres.marker_write import MarkerWrite
from playbooks.connectors.postgres import Postgres
from playbooks.errors import NotYet, Refused
from tests.postgres_pair import Pair

WRITE = MarkerWrite(dsn="env://PRIMARY_DSN")


async def test_what_a_promoted_standby_lacks(world: Any, act: Any, postgres: Postgres, pair: Pair) -> None:
    first = await WRITE.run(act(postgres, key="m-1"))
    pair.level()
    step = MarkerRead(dsn="env://STANDBY_DSN", written_at=first.written_at, most="1m", until="arrived", within="1m")
    seen = await step.look(world(postgres, later_s=3))
    assert seen.lag_s is not None and 2 < seen.lag_s < 60 and ", seen within " in step.say(seen)
    step = MarkerRead(dsn="env://STANDBY_DSN", written_at=first.written_at, most="1m")
    seen = await step.look(world(postgres))
    assert (seen.marker, seen.same, seen.rpo_s, seen.met) == ("m-1", True, 0, True)
    assert step.say(seen).endswith(" UTC: nothing lost (RPO met)")
    pair.standby.sql("SELECT pg_wal_replay_pause()", "postgres")
    pair.standby.stop()  # it hears nothing of the second one
    second = await WRITE.run(act(postgres, key="m-2"))
    pair.primary.crash()
    pair.standby.start(primary_conninfo="", restore_command="")
    pair.standby.sql("SELECT pg_promote(true, 20)", "postgres")
    lost = MarkerRead(dsn="env://STANDBY_DSN", written_at=second.written_at, most="1ms")
    seen = await lost.look(world(postgres))
    assert (seen.marker, seen.same, seen.met) == ("m-1", False, False)
    assert seen.rpo_s == round((second.written_at - first.written_at).total_seconds(), 3) > 0
    assert lost.say(seen).endswith("(RPO of 1 ms missed)")
    await MarkerWrite(dsn="env://STANDBY_DSN").run(act(postgres, key="m-3"))  # what it writes itself proves nothing
    assert await lost.look(world(postgres)) == seen


async def test_deleted_rows_come_back_at_a_point_in_time(
    world: Any, act: Any, postgres: Postgres, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = pair.base()
    before = await WRITE.run(act(postgres, key="m-5"))
    rows = pair.primary.sql("SELECT count(*) FROM payments")
    moment = pair.primary.sql("SELECT clock_timestamp()")[0][0]
    pair.primary.sql("DELETE FROM payments")
    after = await WRITE.run(act(postgres, key="m-6"))
    restored = pair.back_to(base, moment)
    try:
        monkeypatch.setenv("RESTORED_DSN", restored.dsn())
        assert (
            restored.sql("SELECT count(*) FROM payments") == rows != pair.primary.sql("SELECT count(*) FROM payments")
        )
        seen = await MarkerRead(dsn="env://RESTORED_DSN", written_at=after.written_at).look(world(postgres))
        assert (seen.marker, seen.found_at, seen.same, seen.met) == ("m-5", before.written_at, False, None)
        assert seen.rpo_s == round((after.written_at - before.written_at).total_seconds(), 3)
    finally:
        restored.stop()


async def test_without_a_marker_there_is_no_number(world: Any, postgres: Postgres) -> None:
    with pytest.raises(Refused, match="holds no marker"):
        await MarkerRead(dsn="env://CHECKOUT_DSN").look(world(postgres))
    with pytest.raises(NotYet, match="holds no marker"):
        await MarkerRead(dsn="env://CHECKOUT_DSN", within="1m").look(world(postgres))
    await postgres.write_marker(MarkerRead(dsn="env://CHECKOUT_DSN").dsn, "m-1", "")
    later = datetime.now(UTC) + timedelta(minutes=1)
    with pytest.raises(NotYet, match=r"must hold the marker of .* UTC; the newest there is of"):
        await MarkerRead(dsn="env://CHECKOUT_DSN", written_at=later, until="arrived", within="1m").look(world(postgres))
    with pytest.raises(ValueError, match="needs written_at, and within"):
        MarkerRead(dsn="env://CHECKOUT_DSN", written_at=later, until="arrived")
    seen = await MarkerRead(dsn="env://CHECKOUT_DSN").look(world(postgres, later_s=3600))
    assert 3500 < seen.rpo_s < 3700 and not seen.same
