"""The demo's database on the session's server, the pair of real servers, and both behind gates that can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL

from bot.sandbox import Sandbox
from bot.sandbox.gate import Gate
from bot.sandbox.postgres_wire import PostgresWire
from playbooks.connectors.postgres import Postgres
from tests.patience import READ_S
from tests.postgres_pair import BINARIES, Cluster, Pair


@pytest.fixture
async def sandbox(server: URL) -> AsyncIterator[Sandbox]:
    uri = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=uri) as running:
        yield running


@pytest.fixture
async def impatient(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Postgres]:
    """Gives up soon, for answers that never come."""
    one = Postgres(connect_timeout=10, statement_timeout=READ_S, dumps=tmp_path / "dumps", programs=str(BINARIES))
    yield one
    await one.close()


@pytest.fixture
def pair(postgres_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The pair, whole, as env://PRIMARY_DSN and env://STANDBY_DSN."""
    pair = postgres_pair.whole()
    monkeypatch.setenv("PRIMARY_DSN", pair.primary.dsn())
    monkeypatch.setenv("STANDBY_DSN", pair.standby.dsn())
    yield pair


@pytest.fixture
async def gated(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str, Cluster], Awaitable[None]]]:
    """await gated("STANDBY_DSN", cluster): from now on that address leads through a gate of the sandbox."""
    gates: list[Gate] = []

    async def put(name: str, cluster: Cluster) -> None:
        socket = f"{cluster.sockets}/.s.PGSQL.5432"
        gate = Gate(lambda: sandbox.wire, PostgresWire, lambda: asyncio.open_unix_connection(socket))
        await gate.listen()
        gates.append(gate)
        monkeypatch.setenv(name, f"postgresql://postgres@127.0.0.1:{gate.port}/shop")

    yield put
    for gate in gates:
        gate.close()


@pytest.fixture
async def line(env: dict[str, str]) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """await line("SELECT 1"): as a program that uses the demo's database would."""
    async with await psycopg.AsyncConnection.connect(env["CHECKOUT_DSN"], autocommit=True) as opened:

        async def ask(statement: str, *values: Any) -> Any:
            done = await opened.execute(statement, values or None)  # type: ignore[call-overload]
            return await done.fetchall() if done.description else None

        yield ask
