"""`postgres.restore_scratch`: into a database of its own, whole or not at all, and never anywhere else."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.restore_scratch import RestoreScratch
from playbooks.connectors.postgres import Postgres
from playbooks.errors import MusterError, Refused, Uncertain

DSN = "env://CHECKOUT_DSN"
SCRIPT = b"\\restrict abc\nCREATE TABLE orders (id int, note text);\nCOPY orders (id, note) FROM stdin;\n1\t\\\\! no shell\n2\t\\N\n\\.\n\\unrestrict abc\n"


def _step(name: str, file: str, **more: Any) -> RestoreScratch:
    return RestoreScratch(dsn=DSN, file=file, database=name, **more)


@pytest.fixture
def scratch(request: pytest.FixtureRequest, env: dict[str, str]) -> Any:
    """A free name, dropped afterwards."""
    name = f"scratch_{env['CHECKOUT_DSN'][-8:]}"
    yield name


@pytest.fixture
async def cleared(scratch: str, server: Any) -> Any:
    yield
    async with await psycopg.AsyncConnection.connect(
        server.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as line:
        await line.execute(f"DROP DATABASE IF EXISTS {scratch} WITH (FORCE)")


async def test_an_archive_restored_counted_and_dropped(
    world: Any, act: Any, postgres: Postgres, line: Any, scratch: str, cleared: None
) -> None:
    copy = await postgres.dump(_step(scratch, "x.dump").dsn, "fresh.dump", 60)
    step = _step(scratch, "fresh.dump", tables=["orders"], expect={"payments": 40})
    assert (step.risk, step.again) == (Risk.WRITE, Again.KEYED)
    plan = await step.plan(world(postgres))
    assert plan.effect == f"Restore fresh.dump into a new database {scratch} on the server of {DSN}"
    assert f"{copy.size:,} bytes, by pg_restore" in plan.notes[0]
    done = await step.run(act(postgres, key="run-1"))
    assert done.rows == {"orders": 40, "payments": 40} and done.size > 0
    assert (await step.verify(world(postgres), done)).text == f"{scratch} restored whole, orders 40, payments 40"
    assert await line("SELECT count(*) FROM orders") == [(40,)]  # the real one is as it was
    assert await step.run(act(postgres, key="run-1")) == done  # the same step, and nothing is made twice
    with pytest.raises(Refused, match="There is a database"):
        await step.run(act(postgres, key="run-2"))
    more = step.model_copy(update={"expect": {"payments": 41}})
    assert (await more.verify(world(postgres), done)).text == "payments has 40 rows, 41 were expected"
    back = await step.plan_undo(world(postgres), done)
    assert back.effect == f"Drop the scratch database {scratch}"
    with pytest.raises(Refused, match="another database now"):
        await step.plan_undo(world(postgres), done.model_copy(update={"key": "run-9"}))
    await step.undo(act(postgres), done)
    assert (await step.verify_undo(world(postgres), done)).ok is True
    with pytest.raises(Refused, match="gone"):
        await step.plan_undo(world(postgres), done)


async def test_a_script_can_reach_nothing_else(
    act: Any, world: Any, postgres: Postgres, tmp_path: Path, line: Any, scratch: str, cleared: None, ending: Any,
) -> None:  # fmt: skip
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / "shop.sql.gz").write_bytes(gzip.compress(SCRIPT))
    step = _step(scratch, "shop.sql.gz", tables=["orders"])
    assert "by psql" in (await step.plan(world(postgres))).notes[0]
    done = await step.run(act(postgres, key="run-1"))
    assert done.rows == {"orders": 2}
    await step.undo(act(postgres), done)
    name = (await line("SELECT current_database()"))[0][0]
    for number, evil in enumerate((
        b"\\! touch " + str(tmp_path / "owned").encode() + b"\n", b"\\connect " + name.encode() + b"\nDROP TABLE payments;\n",
        b"CREATE ROLE intruder SUPERUSER;\nCREATE DATABASE other;\n", b"SELECT 1 \\g | touch " + str(tmp_path / "owned").encode(),
        b"CREATE TABLE half (id int);\nSELECT nonsense;\n",
    )):  # fmt: skip
        (folder / f"evil-{number}.sql").write_bytes(b"CREATE TABLE first (id int);\n" + evil + b"\n")
        error = await ending(_step(scratch, f"evil-{number}.sql").run(act(postgres, key="run-2")))
        assert isinstance(error, Refused) and "psql" in error.message, evil
        assert await postgres.scratch(step.dsn, scratch) is None  # nothing half is left
    assert not (tmp_path / "owned").exists() and await line("SELECT count(*) FROM payments") == [(40,)]
    assert await line("SELECT 1 FROM pg_roles WHERE rolname = 'intruder'") == []
    (folder / "torn.sql.gz").write_bytes(gzip.compress(SCRIPT * 50)[:-20])
    assert isinstance(await ending(_step(scratch, "torn.sql.gz").run(act(postgres, key="run-3"))), Refused)
    assert await postgres.scratch(step.dsn, scratch) is None


async def test_lost_and_half_made(
    act: Any, world: Any, postgres: Postgres, impatient: Postgres, tmp_path: Path, sb: SandboxClient, scratch: str,
    cleared: None, ending: Any,
) -> None:  # fmt: skip
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / "shop.sql").write_bytes(SCRIPT)
    step = _step(scratch, "shop.sql", expect={"orders": 2})
    for word in ("nothing.dump", "../shop.sql", "a/b"):
        with pytest.raises((Refused, ValidationError)):
            await _step(scratch, word).plan(world(postgres))
    await sb.fail("postgres", "COMMENT ON", "close_after", after=1)  # restored, and the word of it lost
    assert isinstance(await ending(step.run(act(impatient, key="run-1"))), Uncertain)
    assert (await postgres.scratch(step.dsn, scratch)).whole
    await postgres._create_scratch(step.dsn, f"{scratch}_b", "run-1")  # as if Muster had died while restoring
    half = _step(f"{scratch}_b", "shop.sql", expect={"orders": 2})
    assert not (await postgres.scratch(step.dsn, f"{scratch}_b")).whole
    await half.plan(world(postgres, key="run-1"))
    done = await half.run(act(postgres, key="run-1"))
    assert done.rows == {"orders": 2} and (await half.verify(world(postgres), done)).ok is True
    await half.undo(act(postgres), done)
    await sb.fail("postgres", "COPY", "reset")
    error = await ending(half.run(act(postgres, key="run-2")))
    assert isinstance(error, MusterError) and await postgres.scratch(step.dsn, f"{scratch}_b") is None


def test_only_names_that_say_scratch() -> None:
    for name in ("checkout", "scratch_", "Scratch_x", "scratch_x; DROP", "scratchx"):
        with pytest.raises(ValidationError):
            _step(name, "a.dump")
    with pytest.raises(ValidationError):
        RestoreScratch(dsn=DSN, file="a.dump", database="checkout", prefix="")
    assert RestoreScratch(dsn=DSN, file="a.dump", database="drill_shop", prefix="drill_").database == "drill_shop"
