"""kill -9 in the middle of the journal's way home, again and again: one incident, nothing lost, nothing twice, marked."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.blind import Blind
from bot.cli import EXAMPLE
from bot.connectors import connect
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.policy import load_policy
from storage import incidents, runs, timeline
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.journal import Journal
from tests.crash.bringing import MOMENTS
from tests.crash.scene import ENDED, Nursery, unproven

pytestmark = pytest.mark.timeout(120)
LINE = "incident declare sev1 checkout is down service=checkout"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_factor=0) as running:
        yield running


async def declared(env: dict[str, str], path: Path) -> Journal:
    """A declare that was made blind by a process that is gone: its page and its message are really out."""
    connectors, policy = connect(Settings.of(env)), load_policy(EXAMPLE)
    assert connectors.slack is not None
    journal = Journal(path, "gone", "boot-of-one-that-is-gone")
    blind = Blind(journal, connectors.slack, connectors.tools[PagerDuty], policy, lambda: "T0MUSTER")
    ask = Ask("T1.1", "command", LINE, "slack", "T0MUSTER/U0ANA", "slack", team="T0MUSTER", channel="C0GENERAL")
    _, taken = await blind.instead(ask)
    assert taken
    await blind.close(20)
    await connectors.close()
    (waiting,) = journal.waiting()
    assert {line.type for line in waiting.lines} >= {"page.done", "tell.done"}
    return journal


async def test_killed_at_each_moment_of_the_import(
    fresh: Callable[[], Any], nursery: Nursery, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env, path = sandbox.env(), tmp_path / "journal.jsonl"
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    journal = await declared(env, path)
    async with fresh() as url, SandboxClient(sandbox.url) as people:
        await people.wait_until(lambda: _pages(people))
        given = {"lives": "tests.crash.bringing", "url": url, "env": env, "journal": str(path)}
        for moment in MOMENTS:
            victim = await nursery.hatch(strike=moment, **given)
            assert await asyncio.wait_for(victim.ended, 40) == -signal.SIGKILL, moment
            assert len(journal.waiting()) == 1, f"marked although it was killed: {moment}"
        last = await nursery.hatch(strike="", **given)
        db = Database(url, pool=2)

        async def over() -> bool:
            run = await db.read(lambda tx: runs.get(tx, "INC-1/1"))
            return not journal.waiting() and run is not None and run.state in ENDED

        await people.wait_until(over, timeout=40)
        assert await last.stop() == 0
        await db.read(once)
        await db.close()
        assert len(await _pages(people)) == 1
        assert len([m for m in await people.messages("incidents") if "checkout is down" in m.plain]) == 1
    (one,) = journal.declares()
    assert one.intact and [line.type for line in one.lines].count("imported") == 1


def once(tx: Tx) -> None:
    """One incident that holds every effect of the journal once, and a record that verifies."""
    assert [one.id for one in incidents.latest(tx, limit=9)] == ["INC-1"]
    said = timeline.read(tx, "INC-1", types=("incident.declared", "journal.imported", "journal.effect"))
    assert [event.type for event in said] == ["incident.declared", "journal.imported", *["journal.effect"] * 4]
    assert said[0].body["imported"] is True and said[1].body["intact"] is True
    effects = sorted((event.body["effect"], event.body["outcome"]) for event in said[2:])
    assert effects == [("page", "done"), ("page", "started"), ("tell", "done"), ("tell", "started")]
    assert unproven(tx) == []


async def _pages(people: SandboxClient) -> list[dict[str, Any]]:
    return list((await people.pagerduty())["incidents"])
