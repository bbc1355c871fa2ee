"""Driving one claimed run: ask `next`, do it, wait for rows or time, give the run back when there is nothing to do.

Belongs here: the loop of one run on one replica. Not: claiming and leases (engine.py), doing (doing.py).
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from playbooks.engine import asking, doing, recovering
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
    """One run while this replica holds it. `wake()` says that rows may have changed."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self._rows_changed = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], int] = {}
        self.stopping = False

    def wake(self) -> None:
        """Rows may have changed: look now instead of at the next poll."""
        self._rows_changed.set()

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
        now, run, steps, found = await self.held.house.db.read(self._look)
        if run.state in ("succeeded", "incomplete", "aborted", "paused") and not self._tasks:
            await self.held.house.db.write(self._give_back)
            return True
        if run.state in ("queued", "waiting"):
            await self.held.house.db.write(self._set_running)
        if not self.stopping:
            for do in found.do:
                self._spawn(do, steps[do.idx - 1])
        if self._tasks:
            await self._reap(_seconds(found.wake_at, now))
            return False
        if self.stopping:
            return True  # the engine gives all leases back in one statement
        return await self.held.house.db.write(self._rest)

    def _look(self, tx: Tx) -> tuple[datetime, Run, list[Step], Next]:
        run = runs.get(tx, self.held.id)
        assert run is not None
        steps = runs.steps_of(tx, run.id)
        asked = {approval.id: approval for approval in runs.approvals_of(tx, run.id)} if _has_held(steps) else {}
        return tx.now, run, steps, next_moves(run, steps, asked, tx.now, self.held.flying)

    def _set_running(self, tx: Tx) -> None:
        run = lock(tx, self.held.id, self.held.fence)
        if run.state not in ("queued", "waiting"):
            return
        changes = Changes(run={"state": "running"})
        if run.state == "queued":
            changes.run["started_at"] = tx.now
            changes.event("run.started", run=run.id, playbook=run.playbook, replica=self.held.house.replica)
        transition(tx, run, changes)

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
            changes.run["state"] = found.end
            changes.event("run.ended", run=run.id, playbook=run.playbook, outcome=found.end)
        elif found.pause:
            changes.run |= {"state": "paused", "reason": found.pause, "stop_asked": None, "ready_at": None}
            changes.event("run.paused", run=run.id, reason=found.pause)
        elif run.state == "running":
            changes.run |= {"state": "waiting", "ready_at": found.wake_at}
        else:
            changes.run["ready_at"] = found.wake_at
        changes.run |= {"lease_owner": None, "lease_until": None}
        transition(tx, run, changes)
        return True

    def _give_back(self, tx: Tx) -> None:
        run = lock(tx, self.held.id)
        if run.lease_owner == self.held.fence.owner and run.fence == self.held.fence.number:
            transition(tx, run, Changes(run={"lease_owner": None, "lease_until": None}))

    def _spawn(self, do: Do, step: Step) -> None:
        if do.idx in self.held.flying or self.held.lost:
            return
        self.held.flying.add(do.idx)
        task = asyncio.create_task(self._do(do, step), name=f"{self.held.id}#{do.idx}:{do.kind}")
        self._tasks[task] = do.idx

    async def _do(self, do: Do, step: Step) -> None:
        held, idx = self.held, do.idx
        try:
            match do.kind:
                case "start":
                    await doing.start(held, idx, step.risk)
                case "ask":
                    await asking.ask(held, idx)
                case "expire":
                    await asking.expire(held, idx)
                case "probe":
                    await doing.probe(held, idx)
                case "resume":
                    await doing.resume(held, idx)
                case "overdue":
                    await doing.overdue(held, idx)
                case "verify":
                    await doing.verify(held, idx)
                case "lost":
                    await recovering.lost(held, idx)
                case "reconcile":
                    await recovering.reconcile(held, idx)
        except Refused as error:
            await doing.refuse(held, idx, error)
        except Fenced:
            held.lost = True
        except Unreachable as error:
            log.warning("engine.database_unreachable", run=held.id, step=idx, error=str(error))
            await asyncio.sleep(POLL_S)

    async def _reap(self, wake_in: float | None) -> None:
        """Wait until a step task ends, rows change, a time comes, or the poll."""
        waker = asyncio.create_task(self._rows_changed.wait())
        try:
            timeout = POLL_S if wake_in is None else min(max(wake_in, 0.0), POLL_S)
            done, _ = await asyncio.wait({*self._tasks, waker}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
        for task in [task for task in self._tasks if task in done]:
            self.held.flying.discard(self._tasks.pop(task))
            task.result()


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
