"""Small statement helpers: what differs between the two databases, and statements that are built once.

SQLAlchemy needs longer to build a statement of thirty columns than the database needs to run it, so those of the
engine's own path (`change`, `find`, `fresh_insert`) are built once per shape and run with parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, insert, literal, select, update
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


def change(tx: Tx, table: Table, where: Mapping[str, Any], values: Mapping[str, Any], *, bump: str = "") -> int:
    """UPDATE rows whose columns equal `where`; returns how many. bump: a counter column that rises by one."""
    if not values and not bump:
        return 0
    statement = _update(table, tuple(sorted(where)), tuple(sorted(values)), bump)
    given = {f"w_{name}": value for name, value in where.items()} | {f"v_{name}": values[name] for name in values}
    return int(tx.conn.execute(statement, given).rowcount)


@lru_cache(maxsize=1024)
def _update(table: Table, where: tuple[str, ...], columns: tuple[str, ...], bump: str) -> Any:
    values = {name: bindparam(f"v_{name}", type_=table.c[name].type) for name in columns}
    counted = {bump: table.c[bump] + 1} if bump else {}
    mine = [table.c[name] == bindparam(f"w_{name}", type_=table.c[name].type) for name in where]
    return update(table).where(*mine).values(**values, **counted)


def find(
    tx: Tx, table: Table, columns: tuple[str, ...], where: Mapping[str, Any], *, order: str = "", lock: bool = False
) -> Any:
    """Rows (columns in that order) whose columns equal `where`. order: a column; lock: until the transaction ends."""
    statement = _select(table, columns, tuple(sorted(where)), order, lock)
    return tx.conn.execute(statement, {f"w_{name}": value for name, value in where.items()})


@lru_cache(maxsize=1024)
def _select(table: Table, columns: tuple[str, ...], where: tuple[str, ...], order: str, lock: bool) -> Any:
    mine = [table.c[name] == bindparam(f"w_{name}", type_=table.c[name].type) for name in where]
    query = select(*[table.c[name] for name in columns]).where(*mine)
    if order:
        query = query.order_by(table.c[order])
    return query.with_for_update() if lock else query


@lru_cache(maxsize=128)
def fresh_insert(table: Table) -> Any:
    """`INSERT INTO table` for the columns given at execution; for one row or a list of rows."""
    return insert(table)


__all__ = ["change", "count_all", "find", "fresh_insert", "insert_or", "later", "next_number", "skip_locked"]
