"""What the crash tests share: the nursery of victims, people who vote and answer, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playbooks.directory import Person
from playbooks.engine.answering import answer
from playbooks.engine.engine import Engine
from playbooks.engine.library import Library
from playbooks.engine.load import load_text
from playbooks.engine.requests import vote
from playbooks.engine.starting import write_run
from playbooks.errors import Refused
from playbooks.policy import parse_policy
from storage import incidents, people, runs, timeline, verify
from storage.db import Database, Tx
from tests.crash import toys
from tests.crash.outside import Cell, Outside

ROOT = Path(__file__).parents[2]
AT_ONCE = 6
ENDED = ("succeeded", "incomplete", "aborted")
DESTRUCTIVE = ("destroy", "cut", "undo")
NEVER = ("never", *DESTRUCTIVE)

PLAYBOOK = """
name: crash/all
title: One of each
steps:
  - {id: look, uses: crash.probe, with: {tag: look}}
  - {id: open, uses: crash.open, with: {tag: open}}
  - {id: change, uses: crash.never, with: {tag: "change-${{ incident.channel }}"}}
  - id: lanes
    parallel:
      a:
        - {id: a1, uses: crash.keyed, with: {tag: a1}}
        - {id: a2, uses: crash.never, with: {tag: a2}}
      b:
        - {id: b1, uses: crash.never, with: {tag: b1}, on-failure: continue}
      c:
        - {id: c1, uses: crash.wait, with: {tag: c1}}
  - {id: ask, uses: crash.ask, with: {tag: ask}}
  - {id: destroy, uses: crash.destroy, with: {tag: destroy}}
  - {id: last, uses: crash.keyed, with: {tag: "${{ steps.destroy.outputs.name }}"}}
"""
TOLD = """
name: comms/acted-alone
title: Tell everyone
inputs: {channel: {required: false}, users: {type: list, required: false}, text: {type: text}}
steps:
  - {id: tell, uses: crash.keyed, with: {tag: "told-${{ run.id }}"}}
"""
NUMBERS = itertools.count(1)
NAMES = ("ana", "ben", "chi", "dov")


class Nursery:
    """The process that forks victims, as one test sees it: the process lives as long as the session of tests."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._born: dict[str, asyncio.Future[int]] = {}
        self._ended: dict[str, asyncio.Future[int]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._pipe: asyncio.ReadTransport | None = None

    async def __aenter__(self) -> Nursery:
        assert self._process.stdout is not None
        reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
        file = os.fdopen(os.dup(self._process.stdout.fileno()), "rb", 0)
        self._pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: Any) -> None:
        """Every victim has an end, so that its line is not left for the next test."""
        if living := [ended for ended in self._ended.values() if not ended.done()]:
            await asyncio.wait(living, timeout=20)
        assert self._reading is not None and self._pipe is not None
        self._reading.cancel()
        self._pipe.close()
        await asyncio.sleep(0)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            said = json.loads(line)
            known = self._born if "pid" in said else self._ended
            if said["id"] in known:  # else of an earlier test
                known[said["id"]].set_result(said["pid"] if "pid" in said else said["status"])

    async def hatch(self, **spec: Any) -> Victim:
        """A living victim."""
        loop, id = asyncio.get_running_loop(), f"v{next(NUMBERS)}"
        self._born[id], self._ended[id] = loop.create_future(), loop.create_future()
        spec = {"id": id, "replica": f"replica-{id}", "lease_s": 1.0, "poll_s": 0.05, **spec}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(spec).encode() + b"\n")
        self._process.stdin.flush()
        return Victim(id, spec["replica"], await self._born[id], self._ended[id])


@dataclass
class Victim:
    """One forked process. ended: its status, minus the signal's number when it was killed."""

    id: str
    replica: str
    pid: int
    ended: asyncio.Future[int]

    @property
    def dead(self) -> bool:
        return self.ended.done()

    def signal(self, blow: signal.Signals) -> None:
        if not self.dead:
            os.kill(self.pid, blow)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended

    async def stop(self) -> int:
        """As an orderly restart does."""
        self.signal(signal.SIGTERM)
        return await asyncio.wait_for(asyncio.shield(self.ended), 20)

    async def stopped(self) -> None:
        """Until SIGSTOP has taken hold."""
        async with asyncio.timeout(20):
            while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
                await asyncio.sleep(0.01)


@contextlib.contextmanager
def nursery() -> Iterator[subprocess.Popen[bytes]]:
    """Start the process and end it, and every victim it still has: importing everything takes it seconds, once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.victim"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    try:
        yield process
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


@dataclass
class Scene:
    """One database with its people, seen from outside the victims: it asks for runs, votes and answers as people do."""

    url: str
    outside: Outside
    nursery: Nursery
    db: Database
    engine: Engine
    persons: dict[str, str]
    victims: list[Victim] = field(default_factory=list)

    @classmethod
    async def open(cls, url: str, outside: Outside, nursery: Nursery) -> Scene:
        db = Database(url, pool=2)
        engine = Engine(db, {}, Library([]), parse_policy(toys.POLICY), replica="test", url="http://muster")
        engine.house.find_playbook = lambda name: load_text(TOLD, "acted-alone.yaml")
        return cls(url, outside, nursery, db, engine, await db.write(_people))

    async def close(self) -> None:
        for victim in self.victims:
            if not victim.dead:
                victim.signal(signal.SIGCONT)
                await victim.kill()
        await self.db.close()

    async def hatch(self, cell: str, **spec: Any) -> Victim:
        """A victim on this scene's database, whose outside is this cell."""
        victim = await self.nursery.hatch(**{"url": self.url, "outside": f"{self.outside.url}/{cell}", **spec})
        self.victims.append(victim)
        return victim

    async def request(self, text: str = PLAYBOOK) -> str:
        """Ana opens an incident and asks for a run in it."""
        playbook = load_text(text, f"{text.split()[1]}.yaml")

        def ask(tx: Tx) -> str:
            incident = incidents.open_incident(tx, title="down", severity="sev1", by=self.persons["ana"])
            return write_run(
                tx, self.engine.house, playbook=playbook, inputs={}, incident=incident.id, requester=self.persons["ana"]
            )

        return await self.db.write(ask)

    def actor(self, name: str) -> Person:
        return Person("slack", f"T1/U{name.upper()}", self.persons[name], name.title(), "", frozenset({"sre"}), False)

    async def people(self, run: str, cell: Cell) -> runs.Run:
        """Vote when asked, answer when asked, as often as it takes. One round."""
        found, asked, steps = await self.db.read(
            lambda tx: (runs.get(tx, run), runs.open_approval(tx, run), runs.steps_of(tx, run))
        )
        assert found is not None
        if asked is not None and asked.state == "open":
            for name in ("ben", "chi", "dov"):
                actor = self.actor(name)
                said = await self.db.write(
                    lambda tx, actor=actor: vote(
                        tx, self.engine, run=run, digest=asked.digest, actor=actor, choice="approve", via="test"
                    )
                )
                if "starts now" in said.text:
                    break
        for step in steps:
            choice = ""
            if step.state == "parked" and step.question and step.answer is None:
                choice = "yes"
            elif step.state == "asking":
                happened = any(effect[2] == step.key for effect in cell.effects)
                choice = "happened" if happened else "did-not"
            if choice:
                with contextlib.suppress(Refused):  # a victim may have moved it since
                    await self.db.write(
                        lambda tx, choice=choice, idx=step.idx: answer(
                            tx, self.engine, run=run, step=str(idx), actor=self.actor("ben"), choice=choice
                        )
                    )
        return found

    async def asks(self, work: Callable[[Tx], Any]) -> None:
        """Somebody presses something; a victim may have moved the run since."""
        with contextlib.suppress(Refused):
            await self.db.write(work)

    async def settled(
        self, run: str, cell: Cell, *, timeout: float = 40.0, watch: Iterable[Victim] = (), play: Any = None
    ) -> runs.Run:
        """Play the people until it is over (the run has ended or paused), or one of the watched victims is dead."""
        async with asyncio.timeout(timeout):
            while True:
                if play is not None:
                    over = await play.round(self, run, cell)
                else:
                    over = (await self.people(run, cell)).state in (*ENDED, "paused")
                if over or any(victim.dead for victim in watch):
                    found = await self.db.read(lambda tx: runs.get(tx, run))
                    assert found is not None
                    return found
                await asyncio.sleep(0.05)

    async def until(self, check: Callable[[Tx], Any], *, timeout: float = 20.0) -> Any:
        """Poll a read until it gives something true."""
        async with asyncio.timeout(timeout):
            while not (found := await self.db.read(check)):
                await asyncio.sleep(0.02)
        return found

    async def problems(self, run: str, cell: Cell, *, state: str = "succeeded") -> list[str]:
        """What does not hold of a finished run: nothing, if the engine keeps its word."""
        return await self.db.read(lambda tx: problems(tx, run, cell, state))


async def all_of(cells: Iterable[Any], one: Callable[[Any], Any]) -> list[str]:
    """Run all cells, a few at a time; what does not hold, per cell."""
    room = asyncio.Semaphore(AT_ONCE)

    async def guarded(cell: Any) -> list[str]:
        async with room:
            try:
                return [f"{cell}: {problem}" for problem in await one(cell)]
            except Exception as error:  # noqa: BLE001
                return [f"{cell}: {type(error).__name__} {error}"]

    return [problem for found in await asyncio.gather(*(guarded(cell) for cell in cells)) for problem in found]


def _people(tx: Tx) -> dict[str, str]:
    persons: dict[str, str] = {}
    for name in NAMES:
        account = people.believe(tx, "slack", f"T1/U{name.upper()}", state=people.MEMBER, name=name.title())
        assert account.person
        persons[name] = account.person
    people.set_group(tx, "sre", {"policy": [persons[name] for name in NAMES if name != "ana"]})
    return persons


def problems(tx: Tx, run: str, cell: Cell, state: str, told: list[timeline.Event] | None = None) -> list[str]:
    """Every broken promise, in words. told: the events about this run, of chains that were verified already."""
    found = runs.get(tx, run)
    assert found is not None
    steps, said = runs.steps_of(tx, run), timeline.read(tx, found.stream) if told is None else told
    bad = []
    if found.state != state:
        bad.append(f"the run is {found.state}: {[(s.id, s.state, s.error) for s in steps]}")
    bad += _effects(cell, said)
    bad += _record(said, run)
    if told is None:
        bad += unproven(tx)
    if found.state in ENDED:
        bad += _end(tx, found)
    if found.state == "succeeded":
        incident = incidents.get(tx, found.incident or "")
        bad += _success(steps, said, cell, incident.facts if incident else {})
    return bad


def unproven(tx: Tx) -> list[str]:
    """Chains that do not verify."""
    return [verdict.bad for verdict in verify.check_database(tx) if not verdict.ok]


def _effects(cell: Cell, said: list[timeline.Event]) -> list[str]:
    bad = []
    began = {event.body["key"] for event in said if event.type == "step.started"}
    asked = {event.body["approval"]: event.body["steps"] for event in said if event.type == "approval.requested"}
    asked |= {event.body["approval"]: asked[event.body["of"]] for event in said if event.type == "approval.broken"}
    granted: Counter[tuple[str, int]] = Counter()
    for event in said:
        if event.type in ("approval.granted", "approval.kept"):
            every = asked[event.body["approval"]] if event.type == "approval.granted" else [event.body["step"]]
            granted.update((event.body["run"], step) for step in every)
    for kind, tag, key in {*cell.calls, *cell.effects}:
        if key not in began:
            bad.append(f"{kind} {tag} was called with {key}, which no step.started names")
    for tag in {effect[1] for effect in cell.effects}:
        made = cell.made(tag)
        if made[0][0] in NEVER and len(made) > 1:
            bad.append(f"{made[0][0]} {tag} was made {len(made)} times: {made}")
    for tag in {call[1] for call in cell.calls if call[0] not in NEVER}:
        keys = {call[2] for call in cell.calls if call[1] == tag}
        if len(keys) > 1:
            bad.append(f"{tag} was repeated with other keys: {keys}")
    calls = Counter(call[2] for call in cell.calls if call[0] in DESTRUCTIVE)
    for key, count in calls.items():
        of = (key.split(":")[1], int(key.split(":")[2]))
        if count > granted[of]:
            bad.append(f"{key} was called {count} times on {granted[of]} approvals")
    return bad


def _record(said: list[timeline.Event], run: str) -> list[str]:
    """Of one attempt, the outcome is written once; a run ends once."""
    bad = []
    once = Counter(
        (event.type, event.body["step"], event.body["attempt"])
        for event in said
        if event.type in ("step.done", "step.succeeded", "step.failed", "step.skipped") and event.body["run"] == run
    )
    bad += [f"{what} was written {count} times" for what, count in once.items() if count > 1]
    ends = [event for event in said if event.type == "run.ended" and event.body["run"] == run]
    begins = [event for event in said if event.type == "run.started" and event.body["run"] == run]
    return [
        *bad,
        *([f"{len(ends)} ends"] if len(ends) > 1 else []),
        *([f"{len(begins)} begins"] if len(begins) > 1 else []),
    ]


def _end(tx: Tx, found: runs.Run) -> list[str]:
    bad = []
    if held := runs.locks_of(tx, found.id):
        bad.append(f"it still holds {held}")
    if live := [one.id for one in runs.approvals_of(tx, found.id) if one.state in ("open", "granted")]:
        bad.append(f"approvals {live} outlive it")
    if found.lease_owner or found.ready_at:
        bad.append(f"it is leased to {found.lease_owner}, ready at {found.ready_at}")
    return bad


def _success(steps: list[runs.Step], said: list[timeline.Event], cell: Cell, facts: dict[str, Any]) -> list[str]:
    bad = []
    ends = {(event.body["step"], event.body["attempt"]) for event in said if event.type == "step.succeeded"}
    for step in steps:
        if (step.idx, step.attempt) not in ends:
            bad.append(f"{step.id} succeeded without its event")
        acts = step.uses.partition(".")[2] in ("open", "keyed", "never", "wait", "destroy", "cut")
        if acts and len([effect for effect in cell.effects if effect[2] == step.key]) != 1:
            bad.append(f"{step.id} succeeded with {cell.made(step.params['tag'] if step.params else '')}")
    if any(step.uses == "crash.open" for step in steps) and facts.get("channel") != "made-open":
        bad.append(f"the facts are {facts}")
    return bad
