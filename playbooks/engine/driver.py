"""Driving one claimed run: ask `next`, do it, wait for rows or time, give the run back when there is nothing to do.

Belongs here: the loop of one run on one replica. Not: claiming and leases (engine.py), doing (doing.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import structlog

from playbooks.action import Risk
from playbooks.engine import asking, doing, escalating, recovering
from playbooks.engine.beginning import Begun, end, ready
from playbooks.engine.held import Held
from playbooks.engine.next import Do, Next, next_moves
from playbooks.engine.transition import Changes, Fenced, lock, transition
from playbooks.errors import Refused
from storage import runs
from storage.db import Tx, Unreachable
from storage.runs import Run, Step

log = structlog.get_logger(__name__)
POLL_S = 1.0


class Driver:
    """One run while this replica holds it. `wake()` says that rows may have changed. fresh: it was never taken up."""

    def __init__(self, held: Held, *, fresh: bool = False) -> None:
        self.held = held
        self._fresh = fresh
        self._rows_changed = asyncio.Event()
        self._tasks: dict[asyncio.Task[bool], int] = {}
        self.rests_s: float | None = None  # given back with something to do in so many seconds
        held.begin_ready = ready
        held.follow = self._follow

    def wake(self) -> None:
        """Rows may have changed: look now instead of at the next poll."""
        self._rows_changed.set()

    def stop(self) -> None:
        """Begin nothing new; what is in flight is brought to its outcome."""
        self.held.stopping = True
        self.wake()

    async def drive(self) -> None:
        """Until the run has ended, waits for nobody here, or belongs to another replica."""
        while not self.held.lost:
            self._rows_changed.clear()
            try:
                if await self._turn():
                    return
            except Fenced:
                self.held.lost = True
            except Unreachable as error:
                log.warning("engine.database_unreachable", run=self.held.id, error=str(error))
                await asyncio.sleep(POLL_S)
        await self.flown()

    async def flown(self) -> None:
        """Wait for what is in flight: its outcomes are known and must reach the record."""
        while self._tasks:
            await self._reap(None)

    async def _turn(self) -> bool:
        if self.held.unsent:
            await doing.unsent(self.held)
        if self._fresh and not self.held.stopping:  # nothing to look for: begin at once
            self._fresh = False
            await doing.start_ready(self.held)
        now, run, steps, found = await self.held.house.db.read(self._look)
        if run.state in ("succeeded", "incomplete", "aborted", "paused") and not self._tasks:
            if run.lease_owner is not None:
                await self.held.house.db.write(self._give_back)
            return True
        if not self.held.stopping:
            await self._begin(run, steps, found)
        if self._tasks:
            wake_in = _seconds(found.wake_at, now)
            while self._tasks and await self._reap(wake_in):
                pass
            return False
        if self.held.stopping:
            return True  # the engine gives all leases back in one statement
        return await self.held.house.db.write(self._rest)

    async def _begin(self, run: Run, steps: list[Step], found: Next) -> None:
        free = [do for do in found.do if do.kind == "start" and not Risk(steps[do.idx - 1].risk).guarded]
        if free or run.state in ("queued", "waiting"):
            await doing.start_ready(self.held)
        for do in found.do:
            if do not in free:
                self._spawn(do)

    def _look(self, tx: Tx) -> tuple[datetime, Run, list[Step], Next]:
        run = runs.get(tx, self.held.id)
        assert run is not None
        steps = runs.steps_of(tx, run.id)
        asked = {approval.id: approval for approval in runs.approvals_of(tx, run.id)} if _has_held(steps) else {}
        return tx.now, run, steps, next_moves(run, steps, asked, tx.now, self.held.flying)

    def _rest(self, tx: Tx) -> bool:
        """Nothing is in flight here: end, pause or park the run, unless rows changed since the look."""
        run = lock(tx, self.held.id, self.held.fence)
        steps = runs.steps_of(tx, run.id)
        asked = {approval.id: approval for approval in runs.approvals_of(tx, run.id)}
        found = next_moves(run, steps, asked, tx.now)
        if found.do:
            return False
        changes = Changes()
        if found.end == "aborted":
            abort(changes, run, steps, asked.values())
        elif found.end:
            end(changes, run, found.end)
        elif found.pause:
            changes.run |= {"state": "paused", "reason": found.pause, "stop_asked": None, "ready_at": None}
            changes.event("run.paused", run=run.id, reason=found.pause)
        elif run.state == "running":
            changes.run |= {"state": "waiting", "ready_at": found.wake_at}
        else:
            changes.run["ready_at"] = found.wake_at
        changes.run |= {"lease_owner": None, "lease_until": None}
        transition(tx, run, changes)
        self.rests_s = None if found.end or found.pause else _seconds(found.wake_at, tx.now)
        return True

    def _give_back(self, tx: Tx) -> None:
        run = lock(tx, self.held.id)
        if run.lease_owner == self.held.fence.owner and run.fence == self.held.fence.number:
            transition(tx, run, Changes(run={"lease_owner": None, "lease_until": None}))

    def _spawn(self, do: Do) -> None:
        if do.idx in self.held.flying or self.held.lost:
            return
        self.held.flying.add(do.idx)
        self._keep(do.idx, self._do(do), do.kind)

    def _follow(self, begun: Begun, before: float) -> None:
        """Have a step called whose start is on the record (it is among the flying already)."""
        self._keep(begun.step.idx, self._guard(begun.step.idx, doing.call(self.held, begun, before)), "call")

    def _keep(self, idx: int, work: Coroutine[Any, Any, bool], what: str) -> None:
        self._tasks[asyncio.create_task(work, name=f"{self.held.id}#{idx}:{what}")] = idx

    async def _do(self, do: Do) -> bool:
        held, idx = self.held, do.idx
        work: dict[str, Any] = {
            "start": doing.start, "ask": asking.ask, "expire": asking.expire, "probe": doing.probe,
            "resume": doing.resume, "overdue": escalating.overdue, "verify": doing.verify, "lost": recovering.lost,
            "reconcile": recovering.reconcile,
        }  # fmt: skip
        return await self._guard(idx, work[do.kind](held, idx))

    async def _guard(self, idx: int, work: Coroutine[Any, Any, bool | None]) -> bool:
        """What may go wrong around a step, by who must act. Returns whether nothing else is to be done now."""
        try:
            return bool(await work)
        except Refused as error:
            await doing.refuse(self.held, idx, error)
        except Fenced:
            self.held.lost = True
        except Unreachable as error:
            log.warning("engine.database_unreachable", run=self.held.id, step=idx, error=str(error))
            await asyncio.sleep(POLL_S)
        return False

    async def _reap(self, wake_in: float | None) -> bool:
        """Wait until a step task ends, rows change, a time comes, or the poll. True: what ended left nothing to do."""
        waker = asyncio.create_task(self._rows_changed.wait())
        try:
            timeout = POLL_S if wake_in is None else min(max(wake_in, 0.0), POLL_S)
            done, _ = await asyncio.wait({*self._tasks, waker}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
        ended = [task for task in self._tasks if task in done]
        for task in ended:
            self.held.flying.discard(self._tasks.pop(task))
        quiet = [task.result() for task in ended]
        return bool(quiet) and all(quiet) and waker not in done


def abort(changes: Changes, run: Run, steps: list[Step], approvals: object) -> None:
    """End a run on a person's word: what has not begun will not; what was done stays done and says so."""
    for step in steps:
        if step.state in ("pending", "held", "parked", "done", "unknown", "asking"):
            note = "the effect was made and not verified" if step.state == "done" else step.note
            changes.steps[step.idx] = {"state": "aborted", "note": note}
        elif step.state == "started" and step.wake_at is not None:
            changes.steps[step.idx] = {"state": "aborted"}
    for approval in approvals:  # type: ignore[attr-defined]
        if approval.state in ("open", "granted"):
            changes.approvals[approval.id] = {"state": "void", "reason": "the run was aborted"}
            changes.event("approval.void", approval=approval.id, run=run.id, why="the run was aborted")
    changes.run |= {"state": "aborted", "stop_asked": None}
    changes.event("run.ended", run=run.id, playbook=run.playbook, outcome="aborted")


def _has_held(steps: list[Step]) -> bool:
    return any(step.approval for step in steps)


def _seconds(until: datetime | None, now: datetime) -> float | None:
    return None if until is None else (until - now).total_seconds()
