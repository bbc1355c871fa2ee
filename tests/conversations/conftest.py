"""One Muster against one sandbox per test, on SQLite and PostgreSQL: what people type, what the channel then shows.

`muster` is a running App (Socket Mode, both roles) with the example policy; `sb` acts as people and shows the outside.
Nothing is mocked: Slack, PagerDuty, Statuspage and AWS are the sandbox's, over the real clients.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import URL

from bot.app import App, build
from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.client import Message
from bot.settings import Settings
from storage import timeline, verify
from storage.db import Tx
from storage.timeline import Event

POLICY = Path(__file__).parents[2] / "muster.example.yaml"
RDS = "failover/rds-multi-az service=checkout"


@dataclass
class Town:
    """Everything of one test: the sandbox, its client, and as many replicas of Muster as it wants."""

    sandbox: Sandbox
    sb: SandboxClient
    url: str
    monkeypatch: pytest.MonkeyPatch
    apps: list[App] = field(default_factory=list)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="muster-town-")))

    async def muster(self, *, replica: str = "one", policy: Path = POLICY, **changes: Any) -> App:
        """Start a replica, connected. changes: Settings fields ("pagerduty_api_key"=None ...)."""
        app = self.prepared(replica=replica, policy=policy, **changes)
        await app.start()
        async with asyncio.timeout(20):
            while app.socket is None or not app.socket.connected:
                await asyncio.sleep(0.02)
        await self.sb.deliver_to("socket", pagerduty_url=f"{app.url}/webhooks/pagerduty")
        return app

    def prepared(self, *, replica: str = "one", policy: Path = POLICY, **changes: Any) -> App:
        """A replica that is not started; it is stopped at the end."""
        env = self.sandbox.env()
        for name, value in env.items():
            self.monkeypatch.setenv(name, value)
        changes = {"muster_journal": self.folder / f"{replica}.jsonl", **changes}
        settings = Settings.of(
            env, database_url=self.url, muster_config=policy, muster_port=0, muster_replica=replica, **changes
        )
        app = build(settings)
        self.apps.append(app)
        return app

    async def says(self, user: str, channel: str, line: str, wanted: str | Callable[[Message], bool]) -> Message:
        """Type a line and wait for the answer only this person sees (the newest that fits)."""
        before = {m.ts for m in await self.sb.messages(channel, user)}
        await self.sb.type(user, channel, line)
        fits = wanted if callable(wanted) else (lambda m: wanted.lower() in m.plain.lower())
        return await self.sb.wait_for(
            channel, lambda m: m.ts not in before and m.ephemeral_for and fits(m), as_user=user
        )

    async def presses(self, user: str, channel: str, what: str, card: Message, wanted: str) -> Message:
        """Press a card's button and wait for the answer only this person sees."""
        before = {m.ts for m in await self.sb.messages(channel, user)}
        await self.sb.click(user, channel, what, ts=card.ts)
        return await self.sb.wait_for(
            channel,
            lambda m: m.ts not in before and m.ephemeral_for and wanted.lower() in m.plain.lower(),
            as_user=user,
        )

    async def declared(self, line: str = "sev1 checkout is down service=checkout") -> str:
        """Declare as Ana in #general; the incident's channel once its board is there."""
        await self.sb.type("U0ANA", "#general", f"/incident declare {line}")
        found = await self.sb.find_channel("inc-")
        await self.sb.wait_for(found["name"], lambda m: m.button("Resolve") is not None)
        return f"#{found['name']}"

    async def asked(self, channel: str, line: str = RDS, user: str = "U0ANA") -> Message:
        """Ask for the failover; the approval card."""
        await self.sb.type(user, channel, f"/playbook run {line}")
        return await self.sb.wait_for(channel, lambda m: m.button("Approve") is not None, timeout=60)

    async def events(self, stream: str = "INC-1", *types: str) -> list[Event]:
        """Events of a stream, of these types (or all)."""
        return await self.apps[0].db.read(lambda tx: timeline.read(tx, stream, types=types))

    async def read(self, work: Callable[[Tx], Any]) -> Any:
        """Read rows."""
        return await self.apps[0].db.read(work)

    async def writer_zone(self) -> str:
        """Where orders-db writes now."""
        return {one["id"]: one["zone"] for one in await self.sb.instances()}["orders-db"]

    async def reboots(self) -> int:
        """How many failovers had an effect on AWS."""
        calls = await self.sb.calls("aws", "RebootDBInstance")
        return sum(1 for call in calls if call["effect"])

    async def proven(self) -> None:
        """Every chain verifies."""
        for verdict in await self.read(verify.check_database):
            assert verdict.ok, verdict.bad


@pytest.fixture
async def town(url: str, server: URL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Town]:
    """A sandbox of this test's own, without rate limits, and no Muster yet."""
    shared = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=shared) as sandbox, SandboxClient(sandbox.url) as sb:
        await sandbox.aws.start()
        sandbox.settings.trigger_seconds = 15.0  # a slow machine is no failure here; sandbox/slack/test_views.py has 3
        made = Town(sandbox, sb, url, monkeypatch, folder=tmp_path)
        yield made
        for app in made.apps:
            await app.stop()


@pytest.fixture
async def muster(town: Town) -> App:
    """One replica, running."""
    return await town.muster()


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    """No test of this file waits for what people would wait for."""
    from tests.conversations.scene import hurried  # it builds on this file

    with hurried() as patch:
        yield patch


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    sqlite_template: Path, server: URL, patched: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Any]:
    """The prepared moment on SQLite, once for all tests of a file."""
    from tests.conversations.scene import on_sqlite

    async with on_sqlite(sqlite_template, server, patched, tmp_path_factory) as found:
        yield found
