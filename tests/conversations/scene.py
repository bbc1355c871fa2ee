"""The prepared moment as a stage: a Muster on it that is reached through Slack, once for all tests of a file.

Belongs here: opening it. Does not belong here: the moment (every_command.py), playing (theatre.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy import URL

from bot.sandbox import Sandbox, SandboxClient
from tests.conversations.conftest import POLICY, Town
from tests.conversations.every_command import KEY, Moment, prepared
from tests.conversations.theatre import Stage, Trouble, keeper

Scene = tuple[Stage, Moment]


@contextmanager
def hurried() -> Iterator[pytest.MonkeyPatch]:
    """No test waits for what people would wait for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.replies.LONGEST_WAIT_S", 0.02)
        patch.setattr("bot.worker.GIVEN_BACK_AFTER_S", (0.02, 0.02))
        yield patch


@asynccontextmanager
async def opened(url: str, folder: Path, server: URL, patched: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """The moment, and a Muster on it that is reached through Slack."""
    shop = server.set(drivername="postgresql").render_as_string(hide_password=False)
    async with Sandbox(rate_factor=0, postgres=shop) as sandbox, SandboxClient(sandbox.url) as sb:
        town = Town(sandbox, sb, url, patched, folder=folder)
        try:
            await sandbox.aws.start()
            sandbox.settings.ack_seconds = sandbox.settings.trigger_seconds = 30.0  # a slow machine is no failure here
            policy = folder / "muster.yaml"
            policy.write_text(POLICY.read_text().replace("# file: /var/log", f"file: {folder}", 1))
            moment = await prepared(town, folder, policy)
            back = keeper(url)
            app = town.prepared(replica="two", policy=policy, muster_playbooks=str(folder / "own"), muster_key=KEY)
            app.store._within_s = 30.0
            await app.start(("web",))
            assert app.socket is not None
            await asyncio.wait_for(app.socket.up.wait(), 40)
            await app.directory.find_home()
            await app.worker.start()
            await app.sender.start()
            moment.phone.db = app.db
            try:
                yield Stage(town, app, Trouble(app.db), back), moment
            finally:
                await app.worker.stop()
                await app.sender.stop()
        finally:
            for one in town.apps:
                await one.stop()


@asynccontextmanager
async def on_sqlite(
    template: Path, server: URL, patched: pytest.MonkeyPatch, made: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """The moment on SQLite."""
    folder = made.mktemp("every")
    copy(template, folder / "muster.db")
    async with opened(f"sqlite:///{folder / 'muster.db'}", folder, server, patched) as found:
        yield found
