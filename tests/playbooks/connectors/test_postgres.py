"""`playbooks/connectors/postgres.py` against a real PostgreSQL: what it reads, and what it never says."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psycopg
import pytest

from playbooks.connectors.postgres import PostgresReads
from playbooks.errors import Refused, Temporary
from playbooks.secrets import SecretRef

DSN = SecretRef("env://CHECKOUT_DSN")


async def test_tables_that_can_and_cannot_be_read(postgres: PostgresReads, env: dict[str, str]) -> None:
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], autocommit=True) as line:
        await line.execute('CREATE SCHEMA sales; CREATE TABLE sales."Big Orders" (id int); ANALYZE orders')
    seen = {
        one.name: one
        for one in await postgres.check_tables(DSN, ["orders", "nothing", "public.payments", "sales.Big Orders"])
    }
    assert seen["orders"].readable and seen["orders"].has_rows and seen["orders"].rows == 40
    assert seen["public.payments"].readable and seen["public.payments"].problem == ""
    assert not seen["nothing"].readable and seen["nothing"].problem == "there is no such table"
    assert seen["sales.Big Orders"].readable and not seen["sales.Big Orders"].has_rows
    hostile = (await postgres.check_tables(DSN, ['orders"; DROP TABLE payments; --']))[0]
    assert not hostile.readable and (await postgres.check_tables(DSN, ["payments"]))[0].readable


async def test_a_locked_table_and_a_forbidden_one_are_answers(env: dict[str, str], postgres: PostgresReads,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"]) as line:
        await line.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON orders TO reader")
        await line.commit()
        await line.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
        impatient = PostgresReads(connect_timeout=5, statement_timeout=0.3)
        seen = await impatient.check_tables(DSN, ["payments", "orders"])
        await impatient.close()
        assert [one.readable for one in seen] == [False, True] and "within 0.3 s" in seen[0].problem
        await line.rollback()
    monkeypatch.setenv("READER_DSN", env["CHECKOUT_DSN"].replace("postgres@", "reader@"))
    seen = await postgres.check_tables(SecretRef("env://READER_DSN"), ["payments", "orders"])
    assert [one.problem for one in seen] == ["this role may not read it", ""]


async def test_nothing_can_be_written_through_it(postgres: PostgresReads) -> None:
    connection = await postgres._connect(DSN)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with connection.transaction():
            await connection.execute("DELETE FROM payments")
    await connection.close()


@pytest.mark.parametrize(
    ("dsn", "kind"),
    [
        ("postgresql://shop:hunter2@127.0.0.1:{closed}/checkout", Temporary),
        ("postgresql://shop:hunter2@no-such-host.invalid/checkout", Temporary),
        ("hunter2", Refused),
        ("postgresql://shop:hunter2@127.0.0.1:port/checkout", Refused),
        ("host=127.0.0.1 password=hunter2 wrong_option=1", Refused),
        ("{real}?options=-csearch_path%3Dhunter2&nonsense=hunter2", Refused),
    ],
)
async def test_no_error_ever_shows_the_address_or_the_password(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], closed_port: int, ending: Any, dsn: str, kind: type
) -> None:
    monkeypatch.setenv("SHOP_DSN", dsn.format(closed=closed_port, real=env["CHECKOUT_DSN"]))
    postgres = PostgresReads(connect_timeout=2, statement_timeout=1)
    error = await ending(postgres.check_tables(SecretRef("env://SHOP_DSN"), ["orders"]))
    await postgres.close()
    assert isinstance(error, kind) and "env://SHOP_DSN" in str(error)
    shown = f"{error} {error!r} {error.__cause__} {error.__suppress_context__ or error.__context__}"
    assert not any(part in shown for part in ("hunter2", "127.0.0.1", "no-such-host", "shop:"))


async def test_a_missing_database_is_refused_in_words(
    postgres: PostgresReads, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, ending: Any
) -> None:
    monkeypatch.setenv("OTHER_DSN", env["CHECKOUT_DSN"].replace("/checkout", "/elsewhere"))
    error = await ending(postgres.check_tables(SecretRef("env://OTHER_DSN"), ["orders"]))
    assert isinstance(error, Refused) and "does not exist" in error.message and "elsewhere" not in str(error)


async def test_a_server_that_says_nothing_is_given_up_on_time(monkeypatch: pytest.MonkeyPatch, ending: Any) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    monkeypatch.setenv("SILENT_DSN", f"postgresql://u:hunter2@127.0.0.1:{server.sockets[0].getsockname()[1]}/d")
    postgres, started = PostgresReads(connect_timeout=1, statement_timeout=0.5), time.monotonic()
    error = await ending(postgres.check_tables(SecretRef("env://SILENT_DSN"), ["orders"]))
    assert isinstance(error, Temporary) and time.monotonic() - started < 4
    await postgres.close()
    await asyncio.wait_for(gone.wait(), 5)  # giving up closes the line
    server.close()
