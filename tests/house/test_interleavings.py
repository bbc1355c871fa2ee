"""The engine's own code under thousands of interleavings: what is done, what the outside answers, crashes, time, people.

Everything is real but the clock and the scheduler: each rule of the machine is one thing that happens next. After every
one no move was illegal (the table would raise), no effect that must be single was made twice in an attempt, and no
destructive call was made without an approval of its own. At the end, left alone, the run ends or waits for somebody.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from playbooks.action import Again
from playbooks.directory import Person
from playbooks.engine import doing, recovering
from playbooks.engine.answering import answer
from playbooks.engine.driver import Driver
from playbooks.engine.engine import Engine
from playbooks.engine.held import Held
from playbooks.engine.library import Library
from playbooks.engine.load import load_text
from playbooks.engine.moves import RUN_ENDED
from playbooks.engine.requests import abort, pause, resume, retry, revoke, skip, vote
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Fence, Fenced
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.policy import parse_policy
from storage import runs, timeline
from storage.db import Database, Tx
from storage.tables import metadata
from tests.playbooks.engine.conftest import POLICY, Outside, OutsideReads, seed

TEXT = """
name: toy/all
title: One of each
steps:
  - {id: first, uses: toy.keyed, with: {tag: first}}
  - id: lanes
    parallel:
      a:
        - {id: a1, uses: toy.never, with: {tag: a1}}
      b:
        - {id: b1, uses: toy.never, with: {tag: b1}, on-failure: continue}
  - {id: one, stage: cutover, uses: toy.destroy, with: {tag: one}}
  - id: two
    stage: cutover
    uses: toy.destroy
    with: {tag: "${{ steps.one.outputs.name }}two"}
    constraint: {targets: [db-1], inputs: {tag: {matches: "one*"}}}
  - {id: ask, uses: toy.ask}
"""
LEASE_S = 6.0
HOW = ["well", "well", "well", "well", "refused", "temporary", "lost before", "lost after", "died before", "died after"]
SINGLE = ("a1", "b1", "one", "onetwo")
DESTRUCTIVE = {"one": 4, "onetwo": 5}


class Died(BaseException):
    """The process is gone in the middle of a call."""


class Instant(Database):
    """A database in this thread, with a clock of the test."""

    def __init__(self) -> None:
        self.url, self.sqlite = "sqlite://", True
        self._listeners = []
        self._engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        metadata.create_all(self._engine)
        self.clock = datetime(2026, 11, 20, 14, 7, tzinfo=UTC)

    async def write(self, work: Any, *, door: bool = False) -> Any:
        return self.do(work)

    async def read(self, work: Any) -> Any:
        return self.do(work)

    def do(self, work: Any) -> Any:
        with self._engine.begin() as conn:
            tx = Tx(conn)
            tx._now = self.clock
            return work(tx)


class Stepwise(Driver):
    """A driver whose tasks are run one by one, when the test says so."""

    def __init__(self, held: Held) -> None:
        self.todo: list[tuple[int, Coroutine[Any, Any, bool]]] = []
        super().__init__(held)

    def _keep(self, idx: int, work: Coroutine[Any, Any, bool], what: str) -> None:
        self.todo.append((idx, work))

    def _follow(self, begun: Any, before: float) -> None:
        async def call() -> bool:  # nothing is made before its turn, so that a crash leaves nothing behind
            return await self._guard(begun.step.idx, doing.call(self.held, begun, before))

        self._keep(begun.step.idx, call(), "call")


class World(OutsideReads):
    """The outside, which answers as it is told, once."""

    def __init__(self) -> None:
        super().__init__()
        self.next = "well"
        self.calls: Counter[str] = Counter()

    async def effect(self, name: str) -> None:
        how, self.next = self.next, "well"
        self.calls[name] += 1
        if how in ("refused", "temporary", "lost before", "died before"):
            raise {"refused": Refused("no"), "temporary": Temporary("busy", retry_after=1.0),
                   "lost before": Uncertain("no answer"), "died before": Died()}[how]  # fmt: skip
        self.effects.append(name)
        if how in ("lost after", "died after"):
            raise Uncertain("no answer") if how == "lost after" else Died()


class Interleavings(RuleBasedStateMachine):
    """One run, one database, one replica after the other, four people."""

    @initialize(point=st.sampled_from(["new", "first", "lanes", "held", "granted", "two"]))
    def begin(self, point: str) -> None:
        """point: how far it has come when things begin to happen."""
        self.loop = asyncio.new_event_loop()
        self.db, self.world = Instant(), World()
        tools: dict[type, Any] = {Outside: self.world, OutsideReads: self.world}
        self.engine = Engine(self.db, tools, Library([]), parse_policy(POLICY), replica="r", url="u", lease_s=LEASE_S)
        self.persons = self.db.do(lambda tx: seed(tx, ["ana", "ben", "chi", "dov", "eve"]))
        playbook = load_text(TEXT, "toy/all.yaml")
        self.run = self.db.do(
            lambda tx: write_run(
                tx, self.engine.house, playbook=playbook, inputs={}, incident=None, requester=self.persons["ana"]
            )
        )
        self.playbook, self.driver, self.replicas = playbook, None, 0

        for _ in range(60):
            if self.reached(point):
                break
            if point in ("granted", "two") and self.reached("held"):
                self.all_agree()
            self.turn()

    def reached(self, point: str) -> bool:
        steps = {step.id: step for step in self.db.do(lambda tx: runs.steps_of(tx, self.run))}
        asked = self.db.do(lambda tx: runs.open_approval(tx, self.run))
        return {
            "new": True,
            "first": steps["first"].state == "started",
            "lanes": "started" in (steps["a1"].state, steps["b1"].state),
            "held": asked is not None,
            "granted": asked is not None and asked.state == "granted",
            "two": steps["one"].state == "succeeded",
        }[point]

    def actor(self, who: str) -> Person:
        return Person("slack", f"T1/U{who.upper()}", self.persons[who], who.title(), "", frozenset({"sre"}), False)

    # --- the engine ---------------------------------------------------------------------------------------------------

    @rule(burst=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(HOW)), min_size=4, max_size=16))
    def goes_on(self, burst: list[tuple[int, str]]) -> None:
        for pick, how in burst:
            self.turn(pick, how)
            self.nothing_is_made_twice_in_an_attempt()

    def turn(self, pick: int = 0, how: str = "well") -> bool:
        """One thing: claim, look what is next, or do one thing that was begun. False: there is nothing to do."""
        if self.driver is None:
            return self.claim()
        try:
            if self.driver.todo:
                idx, work = self.driver.todo.pop(pick % len(self.driver.todo))
                self.world.next = how
                try:
                    self.loop.run_until_complete(work)
                finally:
                    self.world.next = "well"
                self.driver.held.flying.discard(idx)
                if self.driver.held.lost:
                    self.dies()
                return True
            return self.loop.run_until_complete(self.look())
        except Died:
            self.dies()
        except Fenced:
            self.dies()
        return True

    def claim(self) -> bool:
        owner = f"r{self.replicas}"
        taken = self.db.do(lambda tx: runs.claim(tx, owner, limit=1, lease_s=LEASE_S))
        if taken:
            self.replicas += 1
            self.engine.house.replica = owner
            held = Held(self.engine.house, self.run, Fence(owner, taken[0].fence + 1), self.playbook, 0.0)
            self.driver = Stepwise(held)
        return bool(taken)

    async def look(self) -> bool:
        driver = self.driver
        assert driver is not None
        _, run, steps, found = self.db.do(driver._look)
        if run.state in (*RUN_ENDED, "paused"):
            if run.lease_owner is not None:
                self.db.do(driver._give_back)
            self.driver = None
            return True
        if found.do:
            await driver._begin(run, steps, found)
            return True
        if self.db.do(driver._rest):
            self.driver = None
        return True

    def dies(self) -> None:
        for _, work in self.driver.todo if self.driver else ():
            work.close()
        self.driver = None

    @rule(taken_over=st.booleans())
    def crashes(self, taken_over: bool) -> None:
        self.dies()
        if taken_over:
            self.db.clock += timedelta(seconds=LEASE_S + 1)

    @rule(seconds=st.sampled_from([-3.0, 0.5, 2.0, 7.0, 61.0, 901.0]))
    def time_passes(self, seconds: float) -> None:
        self.db.clock += timedelta(seconds=seconds)
        driver = self.driver
        if driver is not None and seconds < LEASE_S:  # while it lives it renews its lease
            self.db.do(lambda tx: runs.renew(tx, driver.held.fence.owner, [self.run], lease_s=LEASE_S))

    @rule()
    def is_seen_at_last(self) -> None:
        self.world.visible = not self.world.visible

    @rule()
    def falls_silent(self) -> None:
        self.world.can_tell = not self.world.can_tell

    @rule(thing=st.sampled_from(["db-1", "db-1", "db-2"]))
    def resolves_differently(self, thing: str) -> None:
        self.world.target = thing

    # --- people -------------------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(["ana", "ben", "chi", "dov", "eve"]), choice=st.sampled_from(["approve", "approve", "approve", "deny"]))  # fmt: skip
    def votes(self, who: str, choice: Any) -> None:
        self.db.do(self.refresh)
        self.db.do(
            lambda tx: vote(tx, self.engine, run=self.run, digest=None, actor=self.actor(who), choice=choice, via="t")
        )

    @rule()
    def all_agree(self) -> None:
        for who in ("ben", "chi"):
            self.votes(who, "approve")

    def refresh(self, tx: Tx) -> None:
        seed(tx, ["ana", "ben", "chi", "dov", "eve"])

    @rule(who=st.sampled_from(["ben", "chi"]))
    def revokes(self, who: str) -> None:
        self.db.do(lambda tx: revoke(tx, self.engine, run=self.run, actor=self.actor(who), via="t"))

    @rule(what=st.sampled_from([retry, retry, skip, pause, resume]))
    def presses(self, what: Any) -> None:
        self.asks(lambda tx: what(tx, self.engine, run=self.run, actor=self.actor("ana"), reason="why"))

    @rule(sure=st.integers(0, 9))
    def aborts(self, sure: int) -> None:
        if sure == 0:
            self.asks(lambda tx: abort(tx, self.engine, run=self.run, actor=self.actor("ana"), reason="why"))

    @rule()
    def answers(self) -> None:
        """Truthfully: what became of a step is what became of it."""
        for step in self.db.do(lambda tx: runs.steps_of(tx, self.run)):
            if step.question and step.answer is None and step.state in ("parked", "asking"):
                made = any(effect.endswith(f"@{step.key}") for effect in self.world.effects)
                choice = "yes" if step.state == "parked" else "happened" if made else "did-not"
                self.asks(
                    lambda tx, step=step, choice=choice: answer(
                        tx, self.engine, run=self.run, step=step.id, actor=self.actor("ben"), choice=choice
                    )
                )

    def asks(self, work: Any) -> None:
        try:
            self.db.do(work)
        except Refused:
            return

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_made_twice_in_an_attempt(self) -> None:
        doubled = [name for name, n in Counter(self.world.effects).items() if n > 1 and name.split("@")[0] in SINGLE]
        assert not doubled, doubled

    @invariant()
    def nothing_destructive_is_called_without_an_approval_of_its_own(self) -> None:
        said = self.db.do(lambda tx: timeline.read(tx, "org"))
        covers = {event.body["approval"]: event.body["steps"] for event in said if event.type == "approval.requested"}
        good: Counter[int] = Counter()
        for event in said:
            if event.type == "approval.granted":
                good.update(covers[event.body["approval"]])
            if event.type == "approval.kept":
                good[event.body["step"]] += 1
        for name, step in DESTRUCTIVE.items():
            calls = sum(n for key, n in self.world.calls.items() if key.split("@")[0] == name)
            assert calls <= good[step], f"{name} was called {calls} times on {good[step]} approvals"

    def teardown(self) -> None:
        """Left alone, with an outside that answers: it ends, or waits for somebody."""
        try:
            self.rest()
        finally:
            self.dies()
            self.loop.close()
            self.db._engine.dispose()

    def rest(self) -> None:
        self.world.visible = self.world.can_tell = True
        idle = 0
        while idle < 4:
            if self.turn():
                idle = 0
                continue
            self.db.clock += timedelta(seconds=LEASE_S + 1)
            idle += 1
        self.nothing_is_made_twice_in_an_attempt()
        self.nothing_destructive_is_called_without_an_approval_of_its_own()
        run, steps = self.db.do(lambda tx: (runs.get(tx, self.run), runs.steps_of(tx, self.run)))
        person = any(step.state in ("held", "parked", "asking") for step in steps)
        person = person or any(step.state == "pending" and step.approval for step in steps)
        assert run.state in (*RUN_ENDED, "paused") or (run.state == "waiting" and person), (run, steps)


def play(examples: int, steps: int, **more: Any) -> None:
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False, **more,
        ),
    )  # fmt: skip


def test_thousands_of_interleavings() -> None:
    play(40, 30)


@pytest.mark.parametrize("planted", [True, False])
def test_a_step_that_is_repeated_without_looking_is_found(monkeypatch: pytest.MonkeyPatch, planted: bool) -> None:
    """The machine itself can fail: one death in the middle of an effect is enough."""
    if planted:
        monkeypatch.setattr(recovering, "_again", lambda held, step: Again.SAFE)
    machine = Interleavings()
    machine.begin(point="lanes")
    machine.turn(0, "died after")
    if planted:
        with pytest.raises(AssertionError, match="a1@muster:org/1:2:1"):
            machine.teardown()
    else:
        machine.teardown()
