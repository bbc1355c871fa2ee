"""The migrated schema is the one of tables.py, two migrators do not collide, and the law stands in triggers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import IntegrityError

import storage.migrations
from storage import migrate
from storage.db import Database, Tx, Unreachable
from storage.tables import events, metadata, texts
from storage.timeline import Entry, append

VERSIONS = Path(storage.migrations.__file__).parent / "versions"


def test_the_migrated_schema_is_the_metadata(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    with migrate._connection(empty_url, lock=False) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "target_metadata": metadata})
        assert compare_metadata(context, metadata) == []


def test_it_says_where_it_stands(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    assert migrate.pending(empty_url)
    assert migrate.upgrade(empty_url) == migrate.head() == migrate.current(empty_url)
    assert not migrate.pending(empty_url)
    assert migrate.upgrade(empty_url) == migrate.head()


def test_asking_does_not_create_a_file(tmp_path: Path) -> None:
    assert migrate.current(f"sqlite:///{tmp_path / 'none.db'}") is None
    assert list(tmp_path.iterdir()) == []


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="memory"):
        migrate.upgrade("sqlite://")


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        migrate.current("postgresql://nobody@127.0.0.1:1/none")


async def test_it_works_beside_a_running_loop(empty_url: str) -> None:
    assert await asyncio.to_thread(migrate.upgrade, empty_url) == migrate.head()
    assert migrate.upgrade(empty_url) == migrate.head()


def test_two_processes_at_once_do_not_collide(empty_url: str) -> None:
    program = "import sys; from storage import migrate; print(migrate.upgrade(sys.argv[1]))"

    def run(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program, empty_url], capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(run, range(3)))
    assert [one.stdout.strip() for one in ended] == [migrate.head()] * 3, [one.stderr for one in ended]


def test_it_is_found_from_anywhere(tmp_path: Path) -> None:
    program = "from storage import migrate; print(migrate.head())"
    root = str(VERSIONS.parents[2])
    found = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
                           check=False, env={"PYTHONPATH": root})  # fmt: skip
    assert found.stdout.strip() == migrate.head(), found.stderr


def test_the_record_is_never_rebuilt_in_batch_mode() -> None:
    for file in VERSIONS.glob("v*.py"):
        source = file.read_text(encoding="utf-8")
        for table in ("events", "texts"):
            assert f'batch_alter_table("{table}"' not in source, f"{file.name} rebuilds {table}"


async def _two_events(db: Database) -> None:
    await db.write(lambda tx: append(tx, "INC-1", Entry("note.added", "P-1", {}, {"text": "one"}), Entry("b", "P-1")))


def _raw(statement: str) -> Callable[[Tx], object]:
    return lambda tx: tx.conn.execute(text(statement))


COLUMNS = "stream, seq, format, type, at, actor, body, prev, hash"
REPLACE = f"INSERT OR REPLACE INTO events ({COLUMNS}) VALUES ('INC-1', 1, 1, 'x', 'x', 'x', 'x', 'x', 'x')"
BY_ROWID = f"INSERT OR REPLACE INTO events (rowid, {COLUMNS}) VALUES (1, 'INC-1', 9, 1, 'x', 'x', 'x', 'x', 'x', 'x')"
UPSERT = (
    f"INSERT INTO events ({COLUMNS}) VALUES ('INC-1', 1, 1, 'x', 'x', 'x', 'x', 'x', 'x') "
    "ON CONFLICT (stream, seq) DO UPDATE SET body = 'bent'"
)


@pytest.mark.parametrize(
    "work",
    [
        lambda tx: tx.conn.execute(update(events).values(body="bent")),
        lambda tx: tx.conn.execute(update(events).where(events.c.seq == 1).values(seq=7)),
        lambda tx: tx.conn.execute(delete(events)),
        lambda tx: tx.conn.execute(delete(texts)),
        lambda tx: tx.conn.execute(update(texts).values(text="bent")),
        lambda tx: tx.conn.execute(update(texts).values(text=None)),
        lambda tx: tx.conn.execute(update(texts).values(text=None, salt=None, erased_at=tx.now, seq=2)),
        _raw(UPSERT),
    ],
)  # fmt: skip
async def test_the_law_stands_in_triggers(db: Database, work: Callable[[Tx], object]) -> None:
    await _two_events(db)
    with pytest.raises(IntegrityError, match="append-only"):
        await db.write(work)


@pytest.mark.parametrize("statement", ["TRUNCATE events", "TRUNCATE texts", REPLACE, BY_ROWID])
async def test_the_law_in_each_database_s_own_words(db: Database, statement: str) -> None:
    if db.sqlite == statement.startswith("TRUNCATE"):
        pytest.skip("not a statement of this database")
    await _two_events(db)
    with pytest.raises(IntegrityError, match="append-only"):
        await db.write(_raw(statement))


async def test_erasing_is_allowed_once(db: Database) -> None:
    await _two_events(db)
    erase = update(texts).where(texts.c.stream == "INC-1")
    await db.write(lambda tx: tx.conn.execute(erase.values(text=None, salt=None, erased_at=tx.now)))
    with pytest.raises(IntegrityError, match="only ever erased"):
        await db.write(lambda tx: tx.conn.execute(erase.values(text="again", salt="00", erased_at=None)))


async def test_new_events_and_texts_pass(db: Database) -> None:
    await _two_events(db)
    row = {"stream": "INC-1", "seq": 2, "field": "more", "salt": "00", "text": "later"}
    await db.write(lambda tx: tx.conn.execute(insert(texts).values(row)))
