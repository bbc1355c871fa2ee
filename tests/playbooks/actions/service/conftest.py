"""The demo's database on the session's server, and the pair of real servers as two sites' databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.engine import URL

from bot.sandbox import Sandbox
from tests.postgres_pair import Pair


@pytest.fixture
async def sandbox(server: URL) -> AsyncIterator[Sandbox]:
    uri = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=uri) as running:
        yield running


@pytest.fixture
def pair(postgres_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The pair, whole, as env://PRIMARY_DSN and env://STANDBY_DSN."""
    pair = postgres_pair.whole()
    monkeypatch.setenv("PRIMARY_DSN", pair.primary.dsn())
    monkeypatch.setenv("STANDBY_DSN", pair.standby.dsn())
    yield pair
