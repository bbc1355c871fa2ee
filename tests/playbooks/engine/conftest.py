"""A small world for the engine: actions of its own whose outside is a plain object, a policy, and an engine or two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Question, Risk, Seen, World, action
from playbooks.directory import Person
from playbooks.engine.engine import Engine
from playbooks.engine.library import Library
from playbooks.engine.load import load_text
from playbooks.engine.starting import write_run
from playbooks.errors import Temporary
from playbooks.policy import Policy, parse_policy
from storage import people, runs
from storage.db import Database, Tx

POLICY = """
severities: {sev1: {title: outage}}
groups: {sre: {people: [ben, chi, dov]}}
people: {ben: {slack: UBEN}, chi: {slack: UCHI}, dov: {slack: UDOV}}
sites: {primary: {title: Primary, kind: production}}
services:
  shop: {title: Shop, tier: 1, rto: 15m, rpo: 5m, site: primary}
approvals: {people: 2, from: [sre], page_missing: false}
"""


class Outside:
    """The outside world of these tests: what happened to it, and how it behaves next."""

    vendor = "outside"
    acting = True

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.script: list[BaseException] = []
        self.after: list[BaseException] = []
        self.visible = True
        self.can_tell = True
        self.target = "db-1"
        self.gate: asyncio.Event | None = None
        self.shown: asyncio.Event | None = None  # until then nobody is told what became of a step
        self.busy: dict[str, str] = {}  # tag -> the tag whose effect it waits for, busy until then
        self.looks = 0

    async def effect(self, name: str) -> None:
        """Fail as the script says, before or after the effect."""
        if self.gate is not None:
            await self.gate.wait()
        if self.script:
            raise self.script.pop(0)
        first = self.busy.get(name.partition("@")[0])
        if first and not any(one.startswith(f"{first}@") for one in self.effects):
            raise Temporary("busy", retry_after=0.5)
        self.effects.append(name)
        if self.after:
            raise self.after.pop(0)


class OutsideReads(Outside):
    """The reading half."""

    acting = False


class Told(Outputs):
    """What was done."""

    name: str


class _Base(Action):
    tag: str = "x"
    why_no_undo = "Only a test."

    async def plan(self, world: World) -> Plan:
        outside = world.use(OutsideReads)
        return Plan(targets=(outside.target,), effect=f"Change {outside.target} by {self.tag}")

    async def run(self, act: Act) -> Outputs | Park:
        await act.use(Outside).effect(f"{self.tag}@{act.key}")
        return Told(name=self.tag)

    async def reconcile(self, world: World) -> Found:
        outside = world.use(OutsideReads)
        if outside.shown is not None:
            await outside.shown.wait()
        if not outside.can_tell:
            return Found(None, "the outside is silent")
        happened = any(effect.startswith(f"{self.tag}@") for effect in outside.effects)
        return Found(happened, "looked", Told(name=self.tag) if happened else None)


@action("toy.safe", risk=Risk.READ, again=Again.SAFE, result=Told)
class Safe(_Base):
    """Look."""

    async def look(self, world: World) -> Outputs:
        world.use(OutsideReads).looks += 1
        return Told(name=self.tag)


@action("toy.keyed", risk=Risk.WRITE, again=Again.KEYED, result=Told, facts={"channel": "name"})
class Keyed(_Base):
    """Tell the outside, which removes doubles by key."""


@action("toy.never", risk=Risk.WRITE, again=Again.NEVER, result=Told)
class Never(_Base):
    """Change something that must not be changed twice."""


@action("toy.destroy", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Told)
class Destroy(_Base):
    """Destroy something."""

    async def verify(self, world: World, done: Any) -> Seen:
        outside = world.use(OutsideReads)
        return Seen(True, "seen") if outside.visible else Seen(None, "not seen yet", again_in=0.05)


@action("toy.ask", risk=Risk.READ, again=Again.NEVER, result=Told)
class AskPerson(_Base):
    """Ask a person."""

    async def look(self, world: World) -> Outputs:
        raise AssertionError("a question is run, not looked at")

    async def run(self, act: Act) -> Outputs | Park:
        return Park(question=Question("All well?", due_in_s=60))

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        assert answer is not None
        return Told(name=answer.choice)


@dataclass
class Stage:
    """One database, one policy, as many replicas as a test wants."""

    db: Database
    policy: Policy
    outside: Outside
    engines: list[Engine] = field(default_factory=list)
    persons: dict[str, str] = field(default_factory=dict)

    def engine(self, replica: str = "r1", db: Database | None = None, **settings: Any) -> Engine:
        tools: dict[type, Any] = {Outside: self.outside, OutsideReads: self.outside}
        settings = {"lease_s": 1.0, "poll_s": 0.1, **settings}
        library = Library([])
        made = Engine(db or self.db, tools, library, self.policy, replica=replica, url="http://muster", **settings)
        self.engines.append(made)
        return made

    async def request(self, steps: str, engine: Engine, *, by: str = "ana", **more: Any) -> str:
        """Start a run of these steps (YAML list) as the org's; returns its id."""
        playbook = load_text(f"name: toy/run\ntitle: A run\nsteps:\n{steps}", "toy/run.yaml")
        requester = self.persons[by]
        return await self.db.write(
            lambda tx: write_run(
                tx, engine.house, playbook=playbook, inputs={}, incident=None, requester=requester, **more
            )
        )

    def actor(self, name: str) -> Person:
        return Person("slack", f"T1/U{name.upper()}", self.persons[name], name.title(), "", frozenset({"sre"}), False)

    async def until(self, check: Callable[[Tx], Any], timeout: float = 30.0) -> Any:
        """Poll a read until it gives something true."""
        async with asyncio.timeout(timeout):
            while not (found := await self.db.read(check)):
                await asyncio.sleep(0.02)
        return found

    async def ended(self, run: str, *states: str, timeout: float = 30.0) -> runs.Run:
        wanted = states or ("succeeded", "incomplete", "aborted", "paused")
        return await self.until(lambda tx: (r := runs.get(tx, run)) and r.state in wanted and r, timeout)

    async def held(self, run: str) -> runs.Approval:
        return await self.until(lambda tx: runs.open_approval(tx, run))

    async def steps(self, run: str) -> list[runs.Step]:
        return await self.db.read(lambda tx: runs.steps_of(tx, run))


def seed(tx: Tx, names: Iterable[str]) -> dict[str, str]:
    """Full members of the workspace, all but Ana in group sre and looked at just now."""
    persons: dict[str, str] = {}
    for name in names:
        account = people.believe(tx, "slack", f"T1/U{name.upper()}", state=people.MEMBER, name=name.title())
        assert account.person
        persons[name] = account.person
    people.set_group(tx, "sre", {"policy": [persons[name] for name in names if name not in ("ana", "eve")]})
    return persons


@pytest.fixture
async def stage(db: Database) -> AsyncIterator[Stage]:
    """A stage with Ana (asks), Ben, Chi and Dov (sre) and Eve (not sre)."""
    made = Stage(db, parse_policy(POLICY), OutsideReads())
    made.persons = await db.write(lambda tx: seed(tx, ["ana", "ben", "chi", "dov", "eve"]))
    yield made
    for engine in made.engines:
        await engine.stop(grace_s=0.5)
