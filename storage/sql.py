"""Small statement helpers that differ between the two databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, func, literal
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.db import Tx


def insert_or(tx: Tx, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` / `on_conflict_do_update` on this transaction's database."""
    return sqlite_insert(table) if tx.sqlite else pg_insert(table)


def skip_locked(query: Select[Any]) -> Select[Any]:
    """Take rows nobody else is taking. SQLite ignores it: its one writer is alone anyway."""
    return query.with_for_update(skip_locked=True)


def later(tx: Tx, seconds: float) -> datetime:
    """Database time plus so many seconds."""
    return tx.now + timedelta(seconds=seconds)


def count_all() -> Any:
    """`count(*)`."""
    return func.count(literal(1))


def next_number(tx: Tx, counter: str) -> int:
    """The next number of a gapless counter: it is given back when the transaction does not commit."""
    from storage.tables import counters

    statement = insert_or(tx, counters).values(name=counter, value=1)
    statement = statement.on_conflict_do_update(
        index_elements=[counters.c.name], set_={"value": counters.c.value + 1}
    ).returning(counters.c.value)
    return int(tx.conn.execute(statement).scalar_one())


__all__ = ["count_all", "insert_or", "later", "next_number", "skip_locked"]
