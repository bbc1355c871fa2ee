"""Sealing anew: every sealed value of the record, found, held against the keys there are, and sealed by the newest one.

Belongs here: the list of sealed columns, looking at them, rotating, the event of it. Does not belong here: keys and
what sealing is (sealing.py), words for people (bot/keys.py, bot/doctor_keys.py). A value that is only carried, such as
the ticket of a picture, stands in no row and is not sealed anew: it is over in minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Column, Table, select, update
from sqlalchemy.exc import ProgrammingError

from storage.db import Tx
from storage.incident_rows import Impossible
from storage.sealing import Seal, Unsealable
from storage.tables_guard import escrow, factors
from storage.timeline import ORG, Entry, append

Progress = Callable[[int], object]
TELL_EVERY = 50
FORBIDDEN = "42501"  # insufficient_privilege
SEALED: tuple[tuple[Table, Column[str]], ...] = ((factors, factors.c.secret), (escrow, escrow.c.sealed))
"""Every column that holds sealed texts, in the order its rows are locked. Each table's key is `person`."""


@dataclass
class Standing:
    """Sealed values by table name: how many the newest key sealed, and how many an older one; whose open with none."""

    newest: dict[str, int] = field(default_factory=dict)
    older: dict[str, int] = field(default_factory=dict)
    unopened: dict[str, list[str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are in all."""
        return sum(self.newest.values()) + self.old + self.lost

    @property
    def old(self) -> int:
        """How many an older key sealed."""
        return sum(self.older.values())

    @property
    def lost(self) -> int:
        """How many open with none of the keys."""
        return sum(len(people) for people in self.unopened.values())


def look(tx: Tx, seal: Seal) -> Standing:
    """How the sealed values stand; nothing is changed."""
    found = Standing()
    for table, column in SEALED:
        for person, sealed in _values(tx, table, column):
            _judge(found, seal, table.name, person, sealed)
    return found


def count(tx: Tx) -> int:
    """How many sealed values there are; needs no key."""
    return sum(1 for table, column in SEALED for _ in _values(tx, table, column))


def rotate(tx: Tx, seal: Seal, *, account: str = "", progress: Progress | None = None) -> Standing:
    """Seal by the newest key what an older one sealed, all of it in this transaction; `older` says how many were.

    What opens with no key stays as it is. Where something was sealed anew the `org` stream says so. account: who asked,
    as the door knows them. Rows are locked first, so that nobody seals one by an older key in between.

    Raises Impossible where this database login may not: nothing was changed then.
    """
    found, passed = Standing(), 0
    for table, column in SEALED:
        for person, sealed in _values(tx, table, column, lock=True):
            if _judge(found, seal, table.name, person, sealed):
                _put(tx, table, column, person, seal.again(sealed))
            passed += 1
            if progress is not None and passed % TELL_EVERY == 0:
                progress(TELL_EVERY)
    if found.old:
        body = {"resealed": dict(sorted(found.older.items())), "unopened": found.lost, "via": "cli"}
        append(tx, ORG, Entry("key.rotated", "muster", body, {"account": account} if account else {}))
    return found


def _put(tx: Tx, table: Table, column: Column[str], person: str, sealed: str) -> None:
    try:
        tx.conn.execute(update(table).where(table.c.person == person).values({column.name: sealed}))
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != FORBIDDEN:
            raise
        raise Impossible(
            f"This database login may not change {table.name}; nothing was sealed anew.",
            todo="Run `muster keys rotate` with the login that runs `muster migrate` (role muster_migrator).",
        ) from None


def _judge(found: Standing, seal: Seal, table: str, person: str, sealed: str) -> bool:
    """Count it; True where an older key sealed it."""
    try:
        newest = seal.newest(sealed)
    except Unsealable:
        found.unopened.setdefault(table, []).append(person)
        return False
    side = found.newest if newest else found.older
    side[table] = side.get(table, 0) + 1
    return not newest


def _values(tx: Tx, table: Table, column: Column[str], *, lock: bool = False) -> Iterator[tuple[str, str]]:
    """(person, sealed text) of every row that holds one: a factor that was turned off holds none."""
    query = select(table.c.person, column).where(column != "").order_by(table.c.person)
    rows = tx.conn.execute(query.with_for_update() if lock else query).all()
    yield from ((str(row[0]), str(row[1])) for row in rows)
