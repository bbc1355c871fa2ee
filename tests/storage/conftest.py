"""What tests of the record share: a database with Muster's roles, and streams that are past their time."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from storage import grants, incidents
from storage.db import Database, Tx
from storage.tables import incidents as incident_rows


def given_roles(tx: Tx) -> None:
    """`muster grants`, applied by an administrator. SQLite has no roles."""
    if not tx.sqlite:
        for statement in grants.statements():
            tx.conn.execute(text(statement))


@pytest.fixture
async def roles(db: Database) -> Database:
    """The same database, with the roles of `muster grants`. Not where these tests themselves run as one of them."""
    if os.environ.get("MUSTER_TESTS_AS_APP"):
        pytest.skip("the application's role gives no roles")
    await db.write(given_roles)
    return db


def ended(tx: Tx, *, days: int = 0, title: str = "checkout is down", note: str = "") -> str:
    """An incident that was resolved so many days ago, as far as its row says."""
    found = incidents.open_incident(tx, title=title, severity="sev1", by="P-ANA")
    if note:
        incidents.note(tx, found.id, note, by="P-BEN")
    incidents.resolve(tx, found.id, by="P-ANA", resolution="restarted it")
    incidents.anchor(tx, found.id)
    past = tx.now - timedelta(days=days)
    tx.conn.execute(update(incident_rows).where(incident_rows.c.id == found.id).values(resolved_at=past))
    return found.id


@pytest.fixture
def past() -> Callable[..., str]:
    """`await db.write(lambda tx: past(tx, days=1100))`: an incident that ended so many days ago; its id."""
    return ended
