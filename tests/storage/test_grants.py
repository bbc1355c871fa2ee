"""`muster grants` on a real PostgreSQL: each role does its part and the server refuses everything else.

The last test runs a real piece of the suite, and one whole conversation, with a login that is the application's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from storage import grants, people, timeline
from storage.db import Database, Tx
from storage.tables import metadata
from storage.timeline import Entry

pytestmark = pytest.mark.skipif(bool(os.environ.get("MUSTER_TESTS_AS_APP")), reason="it gives roles itself")
ROOT = Path(__file__).parents[2]
AS_APPLICATION = (
    "tests/storage/test_timeline.py", "tests/storage/test_incidents.py", "tests/storage/test_inbox.py",
    "tests/storage/test_people.py", "tests/storage/test_replies.py", "tests/storage/test_cards.py",
    "tests/storage/test_erasing.py", "tests/storage/test_forgetting.py", "tests/conversations/test_story.py",
)  # fmt: skip


@pytest.fixture
async def granted(roles: Database, past: Callable[..., str]) -> Database:
    """A record with an ended incident and a person, and the roles. PostgreSQL only."""
    if roles.sqlite:
        pytest.skip("there are no roles")

    def work(tx: Tx) -> None:
        past(tx, days=1100, note="typed")
        people.believe(tx, "slack", "T1/UANA", state=people.MEMBER, name="Ana")

    await roles.write(work)
    return roles


async def _as(db: Database, role: str, statement: str) -> Any:
    def work(tx: Tx) -> Any:
        tx.conn.execute(text(f"SET LOCAL ROLE {role}"))
        found = tx.conn.execute(text(statement))
        return found.all() if found.returns_rows else None

    return await db.write(work)


WHO_MAY_NOT = {
    grants.APP: [
        "UPDATE events SET body = 'bent'",
        "UPDATE events SET actor = 'P-EVE' WHERE seq = 1",
        "DELETE FROM events",
        "TRUNCATE events",
        "TRUNCATE events, texts, streams CASCADE",
        "UPDATE texts SET field = 'x'",
        "UPDATE texts SET stream = 'INC-9'",
        "DELETE FROM texts",
        "TRUNCATE texts",
        "DELETE FROM streams",
        "UPDATE streams SET name = 'x'",
        "DELETE FROM incidents",
        "DELETE FROM approvals",
        "DELETE FROM votes",
        "DELETE FROM decisions",
        "DELETE FROM escrow",
        "UPDATE anchors SET hash = 'x'",
        "DELETE FROM anchors",
        "DELETE FROM holds",
        "INSERT INTO pruned VALUES ('INC-1', 1, 'h', 's', 'f', now())",
        "UPDATE pruned SET file = 'x'",
        "DELETE FROM pruned",
        "DROP TABLE events",
        "DROP TRIGGER events_refuse_update ON events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "ALTER TABLE events ADD COLUMN x text",
        "CREATE TABLE mine (x text)",
        "CREATE TEMP TABLE events (x text)",
        "CREATE RULE nothing AS ON INSERT TO events DO INSTEAD NOTHING",
        "CREATE OR REPLACE FUNCTION muster_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "SET ROLE muster_pruner",
        "UPDATE alembic_version SET version_num = 'x'",
    ],
    grants.PRUNER: [
        "UPDATE events SET body = 'bent'",
        "TRUNCATE events",
        "UPDATE texts SET text = 'bent'",
        "DELETE FROM streams",
        "DELETE FROM incidents",
        "DELETE FROM decisions",
        "UPDATE incidents SET status = 'resolved'",
        "UPDATE approvals SET state = 'granted'",
        "INSERT INTO votes SELECT * FROM votes",
        "DELETE FROM pruned",
        "SELECT secret FROM factors",
        "DROP TRIGGER events_refuse_delete ON events",
        "CREATE TABLE mine (x text)",
    ],
    grants.AUDITOR: [
        "INSERT INTO events SELECT * FROM events",
        "UPDATE incidents SET title = 'x'",
        "DELETE FROM votes",
        "SELECT secret FROM factors",
        "SELECT digest FROM credentials",
        "SELECT sealed FROM escrow",
        "SELECT values FROM inbox",
        "SELECT * FROM replies",
        "CREATE TABLE mine (x text)",
    ],
    grants.REPORTING: [
        "SELECT text FROM texts",
        "SELECT name FROM people",
        "SELECT title FROM incidents",
        "SELECT email FROM accounts",
        "SELECT inputs FROM runs",
        "SELECT reason FROM votes",
        "UPDATE incidents SET severity = 'sev1'",
    ],
    grants.MIGRATOR: ["UPDATE events SET body = 'bent'", "DELETE FROM events", "TRUNCATE events"],
}
REFUSALS = (
    "permission denied|must be owner|must be able to SET ROLE|append-only|must be superuser|only an ended|only muster_"
)


async def test_what_each_role_may_not_the_server_refuses(granted: Database) -> None:
    slipped = []
    for role, statements in WHO_MAY_NOT.items():
        for statement in statements:
            try:
                await _as_login(granted, role, statement)
            except DBAPIError as error:
                if not re.search(REFUSALS, str(error.orig)):
                    slipped.append(f"{role}: {statement}: {error}")
            else:
                slipped.append(f"{role}: {statement}")
    assert slipped == []


async def _as_login(db: Database, role: str, statement: str) -> None:
    """As a login of that role: SET SESSION AUTHORIZATION, so that nothing of the administrator is left."""

    def work(tx: Tx) -> None:
        tx.conn.execute(text(f"SET LOCAL SESSION AUTHORIZATION {role}"))
        tx.conn.execute(text(statement))

    await db.write(work)


WHO_MAY = {
    grants.APP: ["SELECT * FROM events", "UPDATE texts SET text = NULL, salt = NULL, erased_at = now() WHERE seq = 1",
                 "UPDATE incidents SET severity = 'sev2'", "SELECT * FROM alembic_version"],
    grants.AUDITOR: ["SELECT * FROM events", "SELECT * FROM texts", "SELECT * FROM votes", "SELECT name FROM people",
                     "SELECT person, state FROM factors", "SELECT key, state FROM inbox", "SELECT * FROM pruned"],
    grants.REPORTING: ["SELECT * FROM events", "SELECT severity, declared_at, resolved_at FROM incidents",
                       "SELECT state FROM steps", "SELECT person, choice, at FROM votes", "SELECT * FROM pruned"],
    grants.MIGRATOR: ["ALTER TABLE locks ADD COLUMN more text", "CREATE TABLE mine (x text)", "DROP TABLE mine"],
    grants.PRUNER: ["SELECT * FROM incidents", "SELECT * FROM events"],
}  # fmt: skip


async def test_what_each_role_may_works(granted: Database) -> None:
    for role, statements in WHO_MAY.items():
        for statement in statements:
            await _as_login(granted, role, statement)


async def test_twice_is_once(granted: Database) -> None:
    def work(tx: Tx) -> None:
        for statement in grants.statements():
            tx.conn.execute(text(statement))

    await granted.write(work)
    with pytest.raises(ProgrammingError, match="permission denied"):
        await _as(granted, grants.APP, "DELETE FROM events")


async def test_the_application_appends_and_reads(granted: Database) -> None:
    def work(tx: Tx) -> int:
        tx.conn.execute(text(f"SET LOCAL SESSION AUTHORIZATION {grants.APP}"))
        timeline.append(tx, "INC-1", Entry("incident.note", "P-ANA", {}, {"text": "still works"}))
        return timeline.read(tx, "INC-1")[-1].seq

    assert await granted.write(work) > 1


def test_every_table_is_somebody_s() -> None:
    """A table that comes later is given to the application without a thought, and to nobody else by accident."""
    said = grants.sql()
    for table in metadata.tables:
        assert f"ON {table} TO {grants.APP};" in said and f"ON {table} TO {grants.AUDITOR};" in said
    named = {*grants.APP_UPDATES, *grants.APP_DELETES, *grants.PRUNER_DELETES, *grants.PRUNER_UPDATES, *grants.HIDDEN,
             *grants.WORDS, *grants.UNREPORTED}  # fmt: skip
    assert named <= set(metadata.tables), "a name in the grants is no table"
    for columns in (grants.HIDDEN, grants.WORDS):
        for table, names in columns.items():
            assert set(names) <= set(metadata.tables[table].columns.keys()), table


@pytest.mark.timeout(600)
def test_a_piece_of_the_suite_and_a_whole_incident_run_as_the_application() -> None:
    """Declare, approve, failover, resolve, and the tests of the record, by a login that is only muster_app."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=",
               "--import-mode=importlib", "-k", "postgresql", *AS_APPLICATION]  # fmt: skip
    env = {**os.environ, "MUSTER_TESTS_AS_APP": "1"}
    env.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=540)
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout and "error" not in done.stdout.splitlines()[-1]
