"""The engine of one replica: claims runs, keeps their leases, drives them, takes over those of dead replicas.

Belongs here: claim, lease, start and stop. Does not belong here: one run's loop (driver.py), requests of people
(requests.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import time
from collections.abc import Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import structlog
from sqlalchemy.engine import make_url

from playbooks.directory import Directory
from playbooks.engine.driver import Driver
from playbooks.engine.dry_run import DryRun, dry_run
from playbooks.engine.held import Held, House
from playbooks.engine.library import Library
from playbooks.engine.load import load_stored
from playbooks.engine.model import Playbook
from playbooks.engine.transition import Changes, Fence, Fenced, lock, transition
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import leases, runs
from storage.db import Database, Tx, Unreachable
from storage.runs import Run

log = structlog.get_logger(__name__)


class Engine:
    """Runs playbooks. lease_s: after so long without renewal another replica may take a run (takeover within
    lease_s + poll_s). at_once: how many runs this replica drives at the same time."""

    def __init__(
        self,
        db: Database,
        tools: Mapping[type, Any],
        library: Library,
        policy: Policy,
        *,
        replica: str,
        url: str,
        directory: Directory | None = None,
        lease_s: float = 6.0,
        poll_s: float = 1.0,
        at_once: int = 100,
    ) -> None:
        self.house = House(db, tools, policy, url, replica, lease_s, directory, library.find)
        self.library = library
        self.poll_s = poll_s
        self.at_once = at_once
        self._drivers: dict[str, Driver] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False
        self._lock_file: IO[str] | None = None
        db.listen(lambda topic: self.wake() if topic == "runs" else None)

    def wake(self) -> None:
        """A hint that runs may be ready. The poll is the truth. Safe to call from any thread's callback of the loop."""
        self._wake.set()
        for driver in list(self._drivers.values()):
            driver.wake()

    @property
    def running(self) -> bool:
        """Whether this process is the runner (on SQLite only one process is, by a lock file)."""
        return bool(self._loops) and (self._lock_file is not None or not self.house.db.sqlite or self._memory)

    @property
    def _memory(self) -> bool:
        return make_url(self.house.db.url).database in (None, "", ":memory:")

    async def start(self) -> None:
        """Begin to claim and drive runs."""
        self._stopping = False
        self._stopped.clear()
        self._loops = [asyncio.create_task(self._claim_loop()), asyncio.create_task(self._lease_loop())]

    async def stop(self, *, grace_s: float = 10.0) -> None:
        """Start nothing new, let effects in flight end (at most grace_s), release all leases."""
        self._stopping = True
        for driver in self._drivers.values():
            driver.stop()
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        self._stopped.set()  # leases are renewed until the last effect in flight has ended
        flying = [run for run, driver in self._drivers.items() if driver.held.flying]
        for task in self._tasks:
            task.cancel()
        if self._loops:  # they end by themselves: cancelling would tear connections apart in mid-transaction
            await asyncio.wait(self._loops, timeout=5.0)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._tasks, *self._loops, return_exceptions=True)
        self._loops = []
        with contextlib.suppress(Unreachable):
            await self.house.db.write(lambda tx: runs.give_back(tx, self.house.replica, but=flying))
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    async def dry_run(self, playbook: Playbook, inputs: Mapping[str, Any], incident: str | None) -> DryRun:
        """What the playbook would do now; reads for real, changes nothing."""
        return await dry_run(self.house, playbook, inputs, incident)

    async def _claim_loop(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                if self._may_run():
                    await self._claim()
            except Unreachable as error:
                log.warning("engine.database_unreachable", error=str(error))
            except Exception:  # a worker loop
                log.exception("engine.claim_fault")  # the loop goes on: other runs need it
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self.poll_s)

    def _may_run(self) -> bool:
        """On SQLite one process holds `<database>.runner`; others only insert and read."""
        if not self.house.db.sqlite or self._memory or self._lock_file is not None:
            return True
        path = Path(f"{make_url(self.house.db.url).database}.runner")
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._lock_file = file
        return True

    async def _claim(self) -> None:
        room = self.at_once - len(self._drivers)
        while room > 0 and not self._stopping:
            at = time.monotonic()
            limit = min(room, 20)
            me, lease_s = self.house.replica, self.house.lease_s
            busy = list(self._drivers)
            taken = await self.house.db.write(partial(runs.claim, owner=me, limit=limit, lease_s=lease_s, but=busy))
            for run in taken:
                self._drive(run, at)
            room -= len(taken)
            if len(taken) < limit:
                return

    def _drive(self, before: Run, at: float) -> None:
        """`before` is the row as it was when it was claimed: its fence was raised by one."""
        fence = Fence(self.house.replica, before.fence + 1)
        try:
            playbook = load_stored(before.text, f"{before.playbook} as stored in {before.id}")
        except Refused as error:
            self._keep(self._unreadable(before.id, fence, str(error)), before.id)
            return
        held = Held(self.house, before.id, fence, playbook, at)
        driver = Driver(held, fresh=before.state == "queued")
        self._drivers[before.id] = driver
        self._keep(self._drive_one(before.id, driver), before.id)

    def _keep(self, work: Coroutine[Any, Any, None], run: str) -> None:
        task = asyncio.create_task(work, name=f"run {run}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _unreadable(self, run: str, fence: Fence, why: str) -> None:
        """The stored text is no playbook for this version: the run waits for a person, visibly."""
        log.error("engine.unreadable_playbook", run=run)

        def write(tx: Tx) -> None:
            changes = Changes(run={"state": "paused", "reason": f"its stored playbook cannot be read: {why}"[:500]})
            changes.run |= {"ready_at": None, "lease_owner": None, "lease_until": None}
            changes.event("run.paused", run=run, reason="its stored playbook cannot be read", texts={"error": why})
            transition(tx, lock(tx, run, fence), changes)

        with contextlib.suppress(Unreachable, Fenced):  # then whoever takes it next tries the same
            await self.house.db.write(write)

    async def _drive_one(self, run: str, driver: Driver) -> None:
        """The worker loop's catch-all: a fault in one run is logged and its lease runs out; the others go on."""
        try:
            await driver.drive()
        except Exception:  # a worker loop
            log.exception("engine.run_fault", run=run)
            await driver.flown()
        finally:
            if self._drivers.get(run) is driver:
                del self._drivers[run]
            self._wake.set()
            if driver.rests_s is not None and driver.rests_s < self.poll_s:  # later ones the poll finds well enough
                asyncio.get_running_loop().call_later(max(0.0, driver.rests_s) + 0.01, self._wake.set)

    async def _lease_loop(self) -> None:
        """Renew the leases of all driven runs in one statement, and say that this replica lives."""
        me, lease_s = self.house.replica, self.house.lease_s
        while not self._stopped.is_set():
            before = time.monotonic()
            try:
                driven = list(self._drivers)
                held = await self.house.db.write(partial(_renew, owner=me, driven=driven, lease_s=lease_s))
                for run, driver in list(self._drivers.items()):
                    if run not in held:
                        driver.wake()
            except Unreachable as error:
                log.warning("engine.lease_not_renewed", error=str(error))
            except Exception:  # a worker loop
                log.exception("engine.lease_fault")  # the loop goes on: every run here lives by its lease
            rest = max(0.05, lease_s / 4 - (time.monotonic() - before))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), rest)


def _renew(tx: Any, owner: str, driven: list[str], lease_s: float) -> set[str]:
    leases.heartbeat(tx, owner)
    return runs.renew(tx, owner, driven, lease_s=lease_s)
