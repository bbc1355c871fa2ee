"""`postgres.count_tables`: exact, of one moment, and compared."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.postgres.count_tables import CountTables
from playbooks.connectors.postgres import Postgres
from playbooks.errors import Refused
from tests.postgres_pair import Pair

DSN = "env://CHECKOUT_DSN"


async def test_counts_and_checksums(world: Any, postgres: Postgres, line: Any) -> None:
    step = CountTables(dsn=DSN, tables=["orders", "public.payments"], checksums=True)
    seen = await step.look(world(postgres))
    assert seen.rows == {"orders": 40, "public.payments": 40} and step.say(seen) == "orders 40, public.payments 40"
    assert len(set(seen.checksums.values())) == 2 and all(len(one) == 16 for one in seen.checksums.values())
    await line("SET timezone = 'Asia/Tokyo'")  # nobody else's settings change what a row says
    await line("UPDATE orders SET total_cents = total_cents")  # nor where it lies
    again = CountTables(
        dsn=DSN, tables=["orders", "public.payments"], expect=seen.rows, expect_checksums=seen.checksums
    )
    assert step.say(await again.look(world(postgres))) == "orders 40, public.payments 40; as expected"
    await line("UPDATE orders SET customer = 'somebody' WHERE id = 7")
    with pytest.raises(Refused, match="orders has as many rows, with other values"):
        await again.look(world(postgres))
    await line("DELETE FROM payments WHERE id = 7")
    with pytest.raises(Refused, match=r"public.payments has 39 rows, 40 were expected"):
        await again.look(world(postgres))
    loose = await CountTables(dsn=DSN, tables=["payments"], expect={"payments": 40}, missing_percent=5).look(
        world(postgres)
    )
    assert loose.missing == 1 and "1 fewer than expected, within bounds" in step.say(loose)


async def test_what_cannot_be_counted_is_refused(world: Any, postgres: Postgres, line: Any) -> None:
    with pytest.raises(Refused, match="nothing: there is no such table"):
        await CountTables(dsn=DSN, tables=["orders", "nothing", 'x"; DROP TABLE orders; --']).look(world(postgres))
    await line("BEGIN")
    await line("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(Refused, match="payments: no answer within 1 s"):
        await CountTables(dsn=DSN, tables=["orders", "payments"], limit="1s").look(world(postgres))
    await line("ROLLBACK")


async def test_compared_with_another_database(world: Any, postgres: Postgres, pair: Pair) -> None:
    step = CountTables(
        dsn="env://STANDBY_DSN", tables=["orders", "payments"], compare_to="env://PRIMARY_DSN", checksums=True
    )
    seen = await step.look(world(postgres))
    assert seen.expected == seen.rows and seen.missing == 0 and seen.checksums
    pair.standby.sql("SELECT pg_wal_replay_pause()", "postgres")
    try:
        pair.primary.sql("DELETE FROM payments WHERE id = 1")
        with pytest.raises(Refused, match=r"payments has [0-9]+ rows, [0-9]+ there"):
            await step.look(world(postgres))
    finally:
        pair.standby.sql("SELECT pg_wal_replay_resume()", "postgres")
