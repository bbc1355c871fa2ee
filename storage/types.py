"""Column types and SQL expressions that mean the same on SQLite and PostgreSQL.

Belongs here: UTC times, the database clock. Does not belong here: tables.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Dialect, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time to the microsecond on both databases (SQLite alone would hand back naive values)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody knows which zone they meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DbNow(FunctionElement[datetime]):
    """The database's own clock, now (not the start of the transaction). The only clock for leases and deadlines."""

    type = UtcTime()
    inherit_cache = True
    name = "db_now"


@compiles(DbNow, "postgresql")
def _now_postgresql(element: DbNow, compiler: Any, **kw: Any) -> str:
    return "clock_timestamp()"


@compiles(DbNow, "sqlite")
def _now_sqlite(element: DbNow, compiler: Any, **kw: Any) -> str:
    # The same text SQLAlchemy stores for a DateTime, so that comparisons are right as text.
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


def iso(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds and Z, the only spelling of a time inside an event."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """The time back from `iso`."""
    return datetime.fromisoformat(text)


def seconds(amount: float) -> timedelta:
    """A duration of so many seconds."""
    return timedelta(seconds=amount)
