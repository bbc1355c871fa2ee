"""Databases of tests on PostgreSQL: copies of a template, lent to one test at a time and emptied in between.

Belongs here: lending, and making sure that what is lent again is as good as new. Does not belong here: the server and
its template (conftest.py). Emptying takes milliseconds, copying some hundred; a copy whose schema, rights or size were
changed, or that cannot be emptied, is thrown away.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

GONE_MS = 5000  # by then a connection a test left behind must be gone
GROWN = 2_000_000  # bytes

# Everything of a database but its rows, a line each. Rights on the database itself are not copied with it, so this is
# read of each copy when it is new.
SHAPE = """
WITH lines(line) AS (
  SELECT concat_ws('|', 'table', relname, relkind, relacl, relowner, reloptions, relrowsecurity, relpersistence)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', 'column', c.relname, attnum, attname, atttypid, attnotnull, attacl, pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', 'trigger', tgrelid::regclass, tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws('|', 'rule', ev_class::regclass, rulename) FROM pg_rewrite WHERE ev_class >= 16384
  UNION ALL SELECT concat_ws('|', 'constraint', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', 'index', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid)) FROM pg_index WHERE indexrelid >= 16384
  UNION ALL SELECT concat_ws('|', 'function', proname, proacl, proowner, proconfig, prosecdef, prosrc) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', 'schema', nspname, nspacl, nspowner) FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
  UNION ALL SELECT concat_ws('|', 'database', datacl, datdba, datallowconn) FROM pg_database WHERE datname = current_database()
  UNION ALL SELECT concat_ws('|', 'setting', setrole, setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
    WHERE d.datname = current_database()
  UNION ALL SELECT concat_ws('|', 'default', defaclrole, defaclnamespace, defaclobjtype, defaclacl) FROM pg_default_acl
  UNION ALL SELECT concat_ws('|', 'other', extname) FROM pg_extension
  UNION ALL SELECT concat_ws('|', 'other', subname) FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE d.datname = current_database()
  UNION ALL SELECT concat_ws('|', 'other', pubname) FROM pg_publication
  UNION ALL SELECT concat_ws('|', 'other', slot_name) FROM pg_replication_slots WHERE database = current_database()
  UNION ALL SELECT concat_ws('|', 'other', gid) FROM pg_prepared_xacts WHERE database = current_database()
  UNION ALL SELECT concat_ws('|', 'other', loid) FROM pg_largeobject_metadata m(loid)
) SELECT md5(string_agg(line, E'\\n' ORDER BY line)), pg_database_size(current_database()) FROM lines
"""
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
TURNED = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
END = "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE datname = %s"


class Copies:
    """Copies of one template on one server. server: as somebody who may do everything there. For any thread."""

    def __init__(self, server: URL, template: str) -> None:
        self._server, self._template = server.set(drivername="postgresql"), template
        self._new: dict[str, tuple[str, int]] = {}  # name -> its shape and size when it was new
        self._free: list[str] = []
        self._rows: dict[str, list[bytes]] = {}  # what the template holds, per table
        self._lock = threading.Lock()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The name of a database like the template, which is nobody else's meanwhile."""
        name = self.take()
        try:
            yield name
        finally:
            self.give_back(name)

    def take(self) -> str:
        """A database like the template, to be given back."""
        with self._lock:
            if self._free:
                return self._free.pop()
            name = f"t{uuid4().hex}"
            with self._to("postgres") as conn:
                conn.execute(_named("CREATE DATABASE {} TEMPLATE {}", name, self._template))
            with self._to(name) as conn:
                self._new[name] = self.shape(conn)
                if not self._rows:
                    self._rows = {table: rows for table in self._tables(conn) if (rows := _out(conn, table))}
            return name

    def give_back(self, name: str) -> None:
        """End whoever is still connected to it; empty it for the next one, or throw it away.

        It goes on under another name: what a test left running does not find it again.
        """
        fresh = f"t{uuid4().hex}"
        with self._to("postgres") as conn:
            conn.execute(END, (GONE_MS, name))
            try:
                conn.execute(_named("ALTER DATABASE {} RENAME TO {}", name, fresh))  # refused while one is connected
            except psycopg.Error:
                fresh = name
            self._new[fresh] = self._new.pop(name)
            if fresh != name and self._emptied(fresh):
                with self._lock:
                    self._free.append(fresh)
                return
            del self._new[fresh]
            conn.execute(_named("DROP DATABASE {} WITH (FORCE)", fresh))

    def _emptied(self, name: str) -> bool:
        try:
            with self._to(name) as conn:
                shape, size = self.shape(conn)
                new, at_first = self._new[name]
                if shape != new or size > at_first + GROWN:
                    return False
                with conn.transaction():
                    conn.execute("SET LOCAL session_replication_role = replica")  # past the triggers of the record
                    for table in self._tables(conn):
                        conn.execute(_named("DELETE FROM {}", table))
                    for table, rows in self._rows.items():
                        _in(conn, table, rows)
                for (sequence,) in conn.execute(TURNED).fetchall():
                    conn.execute(_named("ALTER SEQUENCE {} RESTART", sequence))
        except psycopg.Error:
            return False
        return True

    def _to(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._server.set(database=database).render_as_string(hide_password=False), autocommit=True
        )

    @staticmethod
    def shape(conn: psycopg.Connection[Any]) -> tuple[str, int]:
        """A digest of everything but rows, and the size in bytes."""
        found = conn.execute(SHAPE).fetchone()
        assert found is not None
        return str(found[0]), int(found[1])

    @staticmethod
    def _tables(conn: psycopg.Connection[Any]) -> list[str]:
        return [str(table) for (table,) in conn.execute(TABLES).fetchall()]


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*(sql.Identifier(name) for name in names))  # type: ignore[arg-type]


def _out(conn: psycopg.Connection[Any], table: str) -> list[bytes]:
    with conn.cursor() as cursor, cursor.copy(_named("COPY {} TO STDOUT", table)) as copy:
        return [bytes(part) for part in copy]


def _in(conn: psycopg.Connection[Any], table: str, rows: list[bytes]) -> None:
    with conn.cursor() as cursor, cursor.copy(_named("COPY {} FROM STDIN", table)) as copy:
        for part in rows:
            copy.write(part)
