"""`playbooks/connectors/postgres.py` against a real PostgreSQL: what it reads, and what it never says."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from bot.sandbox import Sandbox, SandboxClient
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.connectors.postgres_programs import Programs, environment
from playbooks.connectors.postgres_sessions import without_values
from playbooks.connectors.postgres_tables import shown
from playbooks.errors import MusterError, Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef
from tests.patience import READ_S

DSN = SecretRef("env://CHECKOUT_DSN")


@pytest.fixture
async def sandbox(server: URL) -> AsyncIterator[Sandbox]:
    uri = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=uri) as running:
        yield running


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
        impatient = PostgresReads(connect_timeout=20, statement_timeout=READ_S)
        seen = await impatient.check_tables(DSN, ["payments", "orders"])
        await impatient.close()
        assert [one.readable for one in seen] == [False, True] and f"within {READ_S:g} s" in seen[0].problem
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
    postgres = PostgresReads(connect_timeout=20, statement_timeout=10)
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
    assert isinstance(error, Temporary) and time.monotonic() - started < 20
    await postgres.close()
    await asyncio.wait_for(gone.wait(), 30)  # giving up closes the line
    server.close()


@pytest.mark.parametrize(
    ("mode", "kind", "rows"),
    [
        ("error:53300", Temporary, 0),
        ("error:42501", Refused, 0),
        ("error:25006", Refused, 0),
        ("error:57P01", Uncertain, 0),
        ("reset", Uncertain, 0),
        ("timeout_before", Uncertain, 0),
        ("timeout_after", Uncertain, 1),
        ("close_after", Uncertain, 1),
    ],
)
async def test_every_way_a_write_can_end(
    postgres: Postgres,
    env: dict[str, str],
    sb: SandboxClient,
    ending: Any,
    mode: str,
    kind: type[MusterError],
    rows: int,
) -> None:
    assert await ending(postgres.write_marker(DSN, "first", "")) is None
    impatient = Postgres(connect_timeout=20, statement_timeout=READ_S)
    await sb.fail("postgres", "INSERT", mode)
    began = time.monotonic()
    error = await ending(impatient.write_marker(DSN, "second", ""))
    await impatient.close()
    assert isinstance(error, kind) and "env://CHECKOUT_DSN" in str(error) and "127.0.0.1" not in f"{error} {error!r}"
    assert time.monotonic() - began < 20  # also where the server says nothing more
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"]) as line:
        found = await (await line.execute("SELECT count(*) FROM muster_markers WHERE id = 'second'")).fetchone()
    assert found == (rows,)


async def test_being_cancelled_leaves_no_line_open(postgres: Postgres, sb: SandboxClient) -> None:
    await postgres.server(DSN)
    await sb.fail("postgres", "SELECT", "timeout_before")
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await postgres.server(DSN)
    assert time.monotonic() - began < 20
    assert await postgres.server(DSN)


async def test_programs_are_told_the_address_by_their_environment_and_end_in_time(tmp_path: Path, ending: Any) -> None:
    dsn = SecretRef("env://X")
    env = environment(dsn, "postgresql://me:hunter2@db.example.com:6432/shop?sslmode=require", "scratch_shop")
    assert env == {"PGUSER": "me", "PGPASSWORD": "hunter2", "PGHOST": "db.example.com", "PGPORT": "6432",
                   "PGDATABASE": "scratch_shop", "PGSSLMODE": "require"}  # fmt: skip
    for address, words in (("hunter2", "no PostgreSQL address"), ("postgresql://h/d?keepalives=1", "keepalives")):
        with pytest.raises(Refused, match=words) as refused:
            environment(dsn, address)
        assert "hunter2" not in str(refused.value)
    with pytest.raises(Refused, match="pg_dump is not on this machine") as missing:
        Programs(str(tmp_path)).find("pg_dump")
    assert "MUSTER_PG_BIN" in missing.value.todo
    slow = tmp_path / "slow"
    slow.write_text(
        f"#!{sys.executable}\nimport os, time\nopen('{tmp_path}/pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    slow.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await Programs(str(tmp_path)).run("slow", [], {}, within=1.0)
    assert time.monotonic() - began < 30
    if (tmp_path / "pid").exists():
        assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


def test_what_is_shown_holds_no_values() -> None:
    query = "UPDATE users SET email = 'ana@example.com', note = $$it's$$ WHERE id = 42 AND name = 'O''Hara'"
    assert without_values(query) == "UPDATE users SET email = ?, note = ? WHERE id = ? AND name = ?"
    assert without_values("SELECT 'cut in the mid") == "SELECT ?" and len(without_values("x" * 999)) == 160
    assert shown("api_token", "anything") == "[redacted]" and shown("ip", None) == ""
    for secret in (
        "sk_live_0123456789abcdef",
        "Bearer abc.def",
        "4111 1111 1111 1111",
        "postgres://u:pw@h/d",
        "a@b.example",
    ):
        assert secret not in shown("details", f"before {secret} after") and "before" in shown(
            "details", f"before {secret}"
        )


async def test_what_guards_stands_in_the_connector_too(postgres: Postgres, env: dict[str, str], ending: Any) -> None:
    """Whatever an action forgot to look at: another session of the same number, a database that is not ours."""
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], autocommit=True) as line:
        name = f"{line.info.backend_pid}@2026-01-01T00:00:00.000001+00:00"
        assert await postgres.terminate(DSN, [name]) == {name: ""}
        other = f"scratch_{env['CHECKOUT_DSN'][-8:]}_guard"
        await line.execute(f"CREATE DATABASE {other}")
        assert "was not made by Muster" in str(await ending(postgres.drop_scratch(DSN, other, force=True)))
        await line.execute(f"DROP DATABASE {other}")
    await postgres.drop_scratch(DSN, other)  # none there: nothing to do
