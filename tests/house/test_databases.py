"""`tests/databases.py`: a test that borrows a database cannot tell that others had it before."""

from __future__ import annotations

import os

import psycopg
import pytest
from sqlalchemy.engine import URL

from storage import timeline
from storage.db import Database
from storage.tables import metadata
from storage.timeline import Entry
from tests.databases import Copies

pytestmark = pytest.mark.skipif(bool(os.environ.get("MUSTER_TESTS_AS_APP")), reason="it changes schemas itself")


@pytest.fixture
def own(server: URL, pg_template: str) -> Copies:
    """Copies nobody else borrows."""
    return Copies(server, pg_template)


def _address(server: URL, name: str) -> str:
    return server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def _who(conn: psycopg.Connection[tuple[int]]) -> int:
    found = conn.execute("SELECT oid::int FROM pg_database WHERE datname = current_database()").fetchone()
    assert found is not None
    return found[0]


async def test_what_is_lent_again_is_as_it_was_new(own: Copies, server: URL) -> None:
    """Rows of guarded tables, sequences, and connections that were left open in the middle of something."""
    name = own.take()
    left = psycopg.connect(_address(server, name))
    first = _who(left)
    db = Database(_address(server, name))
    await db.write(lambda tx: timeline.append(tx, "org", Entry("incident.noted", "P-ANA", {})))
    assert await db.read(lambda tx: timeline.read(tx, "org"))
    await db.close()
    left.execute("SELECT pg_advisory_lock(7)")
    left.execute("LOCK TABLE runs")
    left.execute("LISTEN muster")
    own.give_back(name)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(_address(server, name))  # what a test left running does not come back to it

    with own.lent() as again, psycopg.connect(_address(server, again)) as conn:
        assert _who(conn) == first
        for table in metadata.tables:
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        assert conn.execute("SELECT version_num FROM alembic_version").fetchall(), "what the template holds is back"
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
            conn.execute("TRUNCATE events")


CHANGES = (
    "ALTER TABLE events DISABLE TRIGGER USER", "CREATE TABLE mine (a int)", "CREATE SCHEMA mine",
    "ALTER TABLE runs ADD COLUMN mine int", "ALTER TABLE runs ALTER COLUMN id SET DEFAULT 'mine'",
    "CREATE INDEX mine ON runs (playbook)", "GRANT SELECT ON runs TO PUBLIC", "DROP TABLE holds CASCADE",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
    "CREATE RULE mine AS ON DELETE TO runs DO INSTEAD NOTHING", "SELECT lo_create(0)",
    "ALTER TABLE runs ADD CONSTRAINT mine CHECK (number > 0)", "ALTER TABLE runs ALTER COLUMN playbook DROP NOT NULL",
)  # fmt: skip


def test_every_other_change_is_seen(own: Copies, server: URL) -> None:
    with own.lent() as name, psycopg.connect(_address(server, name)) as conn:
        new = own.shape(conn)[0]
        for change in CHANGES:
            conn.execute(change)
            assert own.shape(conn)[0] != new, change
            conn.rollback()
        assert own.shape(conn)[0] == new


@pytest.mark.parametrize("change", [
    CHANGES[0], "INSERT INTO alembic_version SELECT repeat('x', 20) || n FROM generate_series(1, 50000) n",
])  # fmt: skip
def test_what_was_changed_or_has_grown_is_not_lent_again(own: Copies, server: URL, change: str) -> None:
    with own.lent() as name, psycopg.connect(_address(server, name), autocommit=True) as conn:
        first = _who(conn)
        conn.execute(change)
    with own.lent() as name, psycopg.connect(_address(server, name)) as conn:
        assert _who(conn) != first
        assert conn.execute("SELECT count(*) FROM pg_database WHERE oid = %s", (first,)).fetchone() == (0,)
