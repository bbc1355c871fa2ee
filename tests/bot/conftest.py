"""A whole Muster in this process against a whole sandbox, over the real wire: `bot` is started, `people` type and press."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL

from bot.app import App, build
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from bot.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "muster.example.yaml"
Start = Callable[..., Awaitable[App]]


@pytest.fixture
def postgres_url(server: URL) -> Iterator[str]:
    """Address of an empty database."""
    name = f"bot_{uuid4().hex}"
    with psycopg.connect(_plain(server), autocommit=True) as line:
        line.execute(f'CREATE DATABASE "{name}"')
        yield _plain(server.set(database=name))
        line.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _plain(server: URL) -> str:
    return server.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
async def sandbox(server: URL) -> AsyncIterator[Sandbox]:
    """The stand-ins, without rate limits."""
    async with Sandbox(rate_factor=0, postgres=_plain(server)) as running:
        yield running


@pytest.fixture
async def people(sandbox: Sandbox) -> AsyncIterator[SandboxClient]:
    """What people do in the workspace and see there."""
    async with SandboxClient(sandbox.url) as client:
        yield client


@pytest.fixture
async def start(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start a Muster: `start(mode="http" | "socket", roles=..., **settings)`. All are stopped at the end."""
    async with AsyncExitStack() as stack:

        async def begin(mode: str = "http", roles: tuple[str, ...] = ("web", "worker"), **changes: Any) -> App:
            env = sandbox.env(socket_mode=mode == "socket")
            for name, value in env.items():
                monkeypatch.setenv(name, value)
            if mode == "http":
                monkeypatch.delenv("SLACK_APP_TOKEN", raising=False)
            given = {"database_url": f"sqlite:///{tmp_path / 'muster.db'}", "muster_config": EXAMPLE, "muster_port": 0,
                     "muster_journal": tmp_path / "journal.jsonl"}  # fmt: skip
            app = build(Settings.of(env, **{**given, **changes}))
            await app.start(roles)
            stack.push_async_callback(app.stop)
            if "web" in roles:
                sandbox.deliveries.to(mode, f"{app.url}/slack/events" if mode == "http" else "")
                sandbox.webhooks.url = f"{app.url}/webhooks/pagerduty"
                if app.socket is not None:
                    await asyncio.wait_for(app.socket.up.wait(), 40)
            return app

        yield begin


@pytest.fixture
async def bot(start: Start) -> App:
    """A started Muster, reached by signed HTTP, on SQLite."""
    return await start()
