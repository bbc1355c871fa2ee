"""A run this replica holds: its fence, its playbook, how its steps' actions see the world, and writing outcomes.

Belongs here: handles shared by everything that works on one claimed run. Does not belong here: any decision.
An outcome and the starts it leads to are one transaction (`settle`, `begin_ready`): between two effects of a lane lies
one commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from playbooks.action import Act, Action, Risk, World, find
from playbooks.directory import Directory
from playbooks.engine import moves
from playbooks.engine.model import Playbook
from playbooks.engine.model import Step as Spec
from playbooks.engine.outcomes import TRIES, Context
from playbooks.engine.scope import scope_of
from playbooks.engine.transition import Changes, Fence, Fenced, lock, transition
from playbooks.engine.values import references, resolve, test
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import runs, timeline
from storage.db import Database, Tx, Unreachable, Work
from storage.runs import Run, Step

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass
class House:
    """What every run shares on this replica. url: Muster's public address; lease_s: how long a claim lasts."""

    db: Database
    tools: Mapping[type, Any]
    policy: Policy
    url: str
    replica: str
    lease_s: float
    directory: Directory | None = None
    find_playbook: Any = None


@dataclass
class Held:
    """One claimed run. `lost` is set once another replica took it: nothing new is started then."""

    house: House
    id: str
    fence: Fence
    playbook: Playbook
    claimed_at: float
    lost: bool = False
    stopping: bool = False
    flying: set[int] = field(default_factory=set)
    unsent: set[int] = field(default_factory=set)  # begun in a write whose answer was lost: nothing was called
    begin_ready: Callable[..., Any] | None = None
    follow: Callable[[Any, float], None] | None = None

    def spec(self, idx: int) -> Spec:
        """The playbook's own words for a step (idx from 1)."""
        return self.playbook.steps[idx - 1]

    def world(self, now: datetime, scope: Mapping[str, Any], step: Step | None = None) -> World:
        """Reading tools for plan, verify and reconcile."""
        if step is None:
            return World(self.house.tools, now=now, scope=scope, step=self.id)
        return World(
            self.house.tools, now=now, key=step.key or "", scope=scope, started_at=step.started_at,
            step=f"{self.id} {step.id}",
        )  # fmt: skip

    def act(self, now: datetime, scope: Mapping[str, Any], step: Step, *, repeated: bool = False) -> Act:
        """Acting tools for run and resume, with the attempt's key. repeated: the attempt was begun before."""
        return Act(
            self.house.tools, now=now, key=step.key or "", scope=scope, started_at=step.started_at,
            step=f"{self.id} {step.id}", risk=Risk(step.risk), repeated=repeated,
        )  # fmt: skip

    def action(self, step: Step, scope: Mapping[str, Any]) -> Action:
        """The step's action: from the parameters it started with, else resolved now. Raises Refused."""
        cls = find(step.uses)
        if cls is None:
            raise Refused(f"There is no action {step.uses} in this version of Muster.", todo="Upgrade, or skip it.")
        params = step.params if step.params is not None else resolve(self.spec(step.idx).with_, scope)
        try:
            return cls.model_validate(params)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Refused(f"`{where}` of {step.uses}: {first['msg']}.") from None

    def why_not(self, steps: Sequence[Step], step: Step, scope: Mapping[str, Any]) -> str:
        """Why a step is skipped: its condition, or what it reads from a step that gave nothing. Raises Refused."""
        spec = self.spec(step.idx)
        if spec.if_ and not test(spec.if_, scope):
            return f"its condition does not hold: {spec.if_}"
        by_id = {other.id: other for other in steps}
        for path in sorted(references(spec.with_)):
            other = by_id.get(path[1]) if path[0] == "steps" and len(path) > 1 else None
            if other is not None and other.outputs is None:
                return f"it needs step {other.idx} {other.uses}, which {other.state}"
        return ""

    def context(self, action: Action, step: Step, now: datetime, *, late: bool = False) -> Context:
        """For sorting outcomes."""
        retries = self.spec(step.idx).retries
        tries = 1 + retries if retries else TRIES[action.again]
        return Context(action, step, now, tries, late)

    async def now(self, idx: int) -> tuple[datetime, Run, Step, dict[str, Any]]:
        """Database time, the run, the step and the scope, read together."""

        def read(tx: Tx) -> tuple[datetime, Run, Step, dict[str, Any]]:
            run, steps, scope = load(tx, self)
            return tx.now, run, steps[idx - 1], scope

        return await self.house.db.read(read)

    async def keep(self, work: Work[T]) -> T:
        """Write a known outcome: again and again until the database takes it (it is never turned into `unknown`)."""
        wait = 0.1
        while True:
            try:
                return await self.house.db.write(work)
            except Unreachable as error:
                log.warning("engine.outcome_waits_for_database", run=self.id, error=str(error))
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)

    async def settle(self, idx: int, decide: Any, attempt: int | None = None) -> bool:
        """Write what came of step `idx`: `decide(tx, run, step) -> Changes`, fenced; late when the run was taken over.

        Written once, also when the answer to a commit is lost: then the step is not as it was at the first try.
        attempt: which one the outcome is of, so that it never answers for a later one. Returns whether steps that
        follow were begun with it.
        """
        first: list[Step] = []

        def write(tx: Tx, tried: set[int] | None) -> Any:
            run = lock(tx, self.id, self.fence, outcome=True)
            steps = runs.steps_of(tx, self.id)
            if first and steps[idx - 1] != first[0]:
                return None
            first[:] = [steps[idx - 1]]
            changes: Changes = decide(tx, run, steps[idx - 1])
            begun = self._begin_ready(tx, run, steps, changes, tried, idx)
            transition(tx, run, changes, steps)
            return begun

        try:
            try:
                return await self.begin(write)
            except Unreachable as error:
                log.warning("engine.outcome_waits_for_database", run=self.id, error=str(error))
                await asyncio.sleep(0.1)
            await self.keep(lambda tx: write(tx, None))
        except Fenced:
            self.lost = True
            await self.keep(lambda tx: late(tx, self.id, idx, decide, attempt, self.fence.number))
        return False

    def _begin_ready(
        self, tx: Tx, run: Run, steps: Sequence[Step], changes: Changes, tried: set[int] | None, idx: int
    ) -> Any:
        """What follows is begun only by who surely holds the run, and not while this replica is going down."""
        mine = run.lease_until is not None and run.lease_until > tx.now and not self.stopping
        if tried is None or self.begin_ready is None or not mine or not changes.steps:
            return None
        return self.begin_ready(tx, self, run, steps, changes, tried, idx)

    async def begin(self, work: Callable[[Tx, set[int]], Any]) -> bool:
        """Write a transaction that may begin steps, and have those called. Nothing is called when this raises.

        They count as in flight from before the commit, so that nobody here takes them for lost. Returns whether that
        was all there was to do for the run.
        """
        before = time.monotonic()
        tried: set[int] = set()

        def write(tx: Tx) -> Any:
            self.flying -= tried  # of a try that lost its race
            tried.clear()
            return work(tx, tried)

        stored = False
        try:
            ready = await self.house.db.write(write)
            stored = True
        except Unreachable:
            self.unsent |= tried
            raise
        finally:
            if not stored:
                self.flying -= tried
        if ready is None or self.follow is None:
            return False
        for one in ready.begun:
            self.follow(one, before)
        return not ready.more


def late(tx: Tx, run_id: str, idx: int, decide: Any, attempt: int | None = None, fence: int = 0) -> None:
    """The run was taken over while the effect was being made. The outcome is known: it goes on the record, and where
    the new holder is still wondering about this very attempt, it answers the question.

    fence: the number under which the call was made; once is enough when the answer to this very commit was lost.
    """
    run = lock(tx, run_id)
    step = runs.steps_of(tx, run_id)[idx - 1]
    of = step.attempt if attempt is None else attempt
    if _said_late(tx, run, (idx, of, fence)):
        return
    wondering = step.state in ("unknown", "asking", "uncertain") and step.attempt == of
    told: Changes = decide(tx, run, _as_started(step))
    outcome = told.steps.get(idx, {})
    changes = Changes()
    changes.event("step.late", run=run_id, step=idx, id=step.id, attempt=of, fence=fence,
                  came_as=outcome.get("state", "—"))  # fmt: skip
    answers = wondering and outcome.get("state") in ("done", "succeeded")
    if answers and (step.state, "done") in moves.STEP_MOVES and run.state not in moves.RUN_ENDED:
        values = {**outcome, "state": "done", "wake_at": None}
        changes.steps[idx], changes.facts = values, told.facts
        changes.events += [event for event in told.events if event.type == "step.done"]
        changes.run["ready_at"] = tx.now
    transition(tx, run, changes)


def _said_late(tx: Tx, run: Run, call: tuple[int, int, int]) -> bool:
    """Whether the outcome of this call (step, attempt, fence) stands on the timeline already."""
    told = timeline.read(tx, run.stream, types=("step.late",))
    mine = (event.body for event in told if event.body["run"] == run.id)
    return any((body["step"], body["attempt"], body.get("fence")) == call for body in mine)


def _as_started(step: Step) -> Step:
    return Step(**{**step.__dict__, "state": "started"})


def load(tx: Tx, held: Held) -> tuple[Run, list[Step], dict[str, Any]]:
    """The run, its steps and its scope, read together."""
    run = runs.get(tx, held.id)
    assert run is not None
    steps = runs.steps_of(tx, held.id)
    return run, steps, scope_of(tx, held.house.policy, held.house.url, run, steps)


def attempt_key(run: Run, step: Step) -> str:
    """The idempotency key: the same through one attempt, new for a retry a person asked for."""
    return f"muster:{run.id}:{step.idx}:{step.attempt}"
