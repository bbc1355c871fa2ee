"""Replicas whose clocks are minutes apart, as processes of their own on one PostgreSQL: its clock alone decides expiry."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from playbooks.engine.requests import abort
from storage import runs, timeline, verify
from storage.db import Tx

ROOT = Path(__file__).parents[3]
POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
APART_S = 1200.0  # more than an approval lives
STEP = "  - {id: destroy, uses: toy.destroy, with: {tag: %s}%s}\n"


class Replica:
    """One such process."""

    def __init__(self, process: asyncio.subprocess.Process, said: dict[str, Any]) -> None:
        self._process, self.said = process, said

    @classmethod
    async def born(cls, stage: Any, name: str, skew_s: float) -> Self:
        given = {"url": stage.db.url, "persons": stage.persons, "name": name}
        env = {**os.environ, "PYTHONPATH": str(ROOT), "REPLICA": json.dumps(given), "SKEW_S": str(skew_s)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.playbooks.engine.skewed", cwd=ROOT, env=env,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self = cls(process, {})
        self.said = await self._line()
        return self

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return found

    async def do(self, what: str, **more: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        await self._process.stdin.drain()
        return await self._line()

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), 20)


@pytest.mark.timeout(120)
@POSTGRESQL
async def test_the_databases_clock_decides_between_replicas_that_are_minutes_apart(stage: Any, url: str) -> None:
    async with AsyncExitStack() as stack:
        fast, slow = await asyncio.gather(Replica.born(stage, "fast", APART_S), Replica.born(stage, "slow", -APART_S))
        for one in (fast, slow):
            stack.push_async_callback(one.end)
        ahead, behind = (datetime.fromisoformat(one.said["now"]) - datetime.now(UTC) for one in (fast, slow))
        assert ahead > timedelta(minutes=19) and behind < timedelta(minutes=-19), "they really are apart"

        # By the fast clock it is over as soon as it is asked, by the slow one it is not asked yet: it is good all the same.
        engine = stage.engine("asks")
        good = await stage.request(STEP % ("good", ""), engine)
        await fast.do("start")
        asked = await stage.held(good)
        assert (await slow.do("vote", run=good, who="ben"))["ok"]
        assert (await fast.do("vote", run=good, who="chi"))["ok"]
        assert (await stage.ended(good)).state == "succeeded"
        assert (await fast.do("stop"))["effects"] == [f"good@muster:{good}:1:1"]

        # By the slow clock there are twenty minutes left.
        await slow.do("start")
        late = await stage.request(STEP % ("late", ", approvals: {expires: 2s}"), engine)
        asked = await stage.held(late)
        assert (await slow.do("vote", run=late, who="ben"))["ok"]
        await stage.ended(late, "paused", timeout=20)
        over = await stage.db.read(lambda tx: runs.approval(tx, asked.id))
        assert over.state == "expired"
        assert timedelta() <= over.decided_at - over.expires_at < timedelta(seconds=15)
        assert not (await slow.do("vote", run=late, who="chi"))["ok"]

        await stage.db.write(lambda tx: abort(tx, engine, run=late, actor=stage.actor("ana")))  # frees what it holds

        # Nobody has looked yet, but the boundary has passed: a vote that would complete it does not.
        third = await stage.request(STEP % ("third", ", approvals: {expires: 2s}"), engine)
        asked = await stage.held(third)
        assert (await slow.do("vote", run=third, who="ben"))["ok"]
        assert (await slow.do("stop"))["effects"] == []
        await stage.until(lambda tx: tx.now >= asked.expires_at)
        for one in (slow, fast):
            said = await one.do("vote", run=third, who="chi")
            assert not said["ok"], said
        assert (await stage.db.read(lambda tx: runs.approval(tx, asked.id))).state in ("open", "expired")
        await stage.db.read(_in_order)


def _in_order(tx: Tx) -> None:
    """Every chain verifies, and none runs backwards."""
    assert all(one.ok for one in verify.check_database(tx))
    times = [event.at for event in timeline.read(tx, "org")]
    assert times == sorted(times)
