"""Where playbooks of the library are played: the real engine and connectors, one workspace of stand-ins, SQLite.

A `Theatre` is one sandbox and the connectors pointed at it; each `stage` is a fresh record and a fresh outside. Ana asks,
Ben and Chi (sre) approve, questions are answered as the entry says. Lanes are played one after the other and one run at
a time, so that plays can be compared; engine/test_engine.py plays them side by side.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select, update

from bot.connectors import connect
from bot.policy_tools import tools_of
from bot.sandbox import Sandbox
from bot.sandbox.world import BOT_USER, TEAM, Channel
from bot.settings import Settings
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.engine.dry_run import DryRun
from playbooks.engine.engine import Engine
from playbooks.engine.heads import TimelineRecord
from playbooks.engine.inputs import typed_inputs
from playbooks.engine.library import Library
from playbooks.engine.moves import RUN_ENDED
from playbooks.engine.post_mortem import TimelineDrafts
from playbooks.engine.requests import retry
from playbooks.engine.starting import write_run
from playbooks.policy import Policy, parse_policy
from playbooks.ports import Drafts, Record
from storage import incidents, runs
from storage.db import Database, Tx
from storage.tables import runs as run_rows
from storage.tables import steps as step_rows
from tests.library.aim import Aimed, Shot, aimed, hearing
from tests.library.crew import ANA, ROLES, Crew
from tests.library.entry import Entry, entry_of
from tests.library.pace import shortened

T = TypeVar("T")
EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
CHANNEL = "C0INC1"
PATIENCE_S = 10.0  # as the product has it: a stand-in that loads slowly is no failure
AT_REST_S = 30.0
LIBRARY = Library()


@dataclass
class Stage:
    """One playbook, once: its record, its outside, its people. `keep` is the entry's own."""

    entry: Entry
    sandbox: Sandbox
    tools: dict[type, Any]
    db: Database
    policy: Policy
    engine: Engine
    faults: Aimed
    folder: Path
    crew: Crew
    incident: str | None = None
    keep: dict[str, Any] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)  # step -> choice: instead of what the entry says

    def tool(self, kind: type[T]) -> T:
        """A connector, reading or acting, as steps get it."""
        found = self.tools[kind]
        assert isinstance(found, kind)
        return found

    async def declare(
        self, *, title: str = "checkout is down", severity: str = "sev1", service: str | None = "checkout",
        channel: bool = True, roles: Mapping[str, str] = ROLES, facts: Mapping[str, Any] | None = None, **more: Any,
    ) -> str:  # fmt: skip
        """Open the incident, with a channel of its own where wanted. facts: what earlier runs learned."""
        known = dict(facts or {})
        if channel:
            members = [f"U0{name.upper()}" for name in (ANA, *roles.values())]
            room = Channel(CHANNEL, "inc-1-checkout-is-down", BOT_USER, [BOT_USER, *dict.fromkeys(members)])
            self.sandbox.world.add_channel(room)
            known |= {"channel": room.id, "channel_name": room.name}

        def write(tx: Tx) -> str:
            ana = self.crew.persons[ANA]
            found = incidents.open_incident(
                tx, title=title, severity=severity, by=ana, service=service, facts=known, **more
            )
            for role, name in roles.items():
                incidents.set_role(tx, found.id, role, self.crew.persons[name], by=ana)
            return found.id

        self.incident = await self.db.write(write)
        return self.incident

    def inputs(self, entry: Entry) -> Mapping[str, Any]:
        """What the entry's inputs are now."""
        return entry.inputs(self) if callable(entry.inputs) else entry.inputs

    async def plan(self, name: str) -> DryRun:
        """Its dry run."""
        playbook = self.engine.library.find(name)
        typed = typed_inputs(playbook, self.inputs(self.entry), self.policy)
        return await self.engine.dry_run(playbook, typed, self.incident)

    async def ask(self, name: str, entry: Entry | None = None) -> str:
        """Ask for a run of it, as Ana would; its id. It starts at once."""
        entry = entry or self.entry
        playbook = self.engine.library.find(name)
        typed = typed_inputs(playbook, self.inputs(entry), self.policy)

        def write(tx: Tx) -> str:
            run = write_run(
                tx, self.engine.house, playbook=playbook, inputs=typed, incident=self.incident,
                requester=self.crew.persons[ANA], account=f"slack:{TEAM}/U0ANA", kind=entry.kind, site=entry.site,
            )  # fmt: skip
            in_a_row = update(step_rows).where(step_rows.c.run == run).values(grp=None, lane=None)
            tx.conn.execute(in_a_row)
            return run

        run = await self.db.write(write)
        self.engine.wake()
        return run

    async def play(self, name: str, *, shots: Sequence[Shot] = (), entry: Entry | None = None) -> runs.Run:
        """Ask for it and see it through, with people who approve and answer, until it rests."""
        self.faults.shots = list(shots)
        self.faults.hits.clear()
        run = await self.ask(name, entry)
        await self.rests()
        return await self.row(run)

    async def again(self, run: str) -> runs.Run:
        """Nothing fails any more, and Ana has everything that went wrong tried again; twice at most per step."""
        self.faults.shots, self.says, self.crew.denies = [], {}, set()
        for _ in range(2 * len(await self.steps(run))):
            if not await self.retried(run):
                break
        return await self.row(run)

    async def retried(self, run: str) -> bool:
        """Ana has the first step that went wrong tried again; whether there was one."""
        bad = next((step for step in await self.steps(run) if step.state in ("failed", "uncertain")), None)
        if bad is None:
            return False
        named = str(bad.idx)
        await self.db.write(lambda tx: retry(tx, self.engine, run=run, actor=self.crew.actor(ANA), step=named))
        await self.rests()
        return True

    async def row(self, run: str) -> runs.Run:
        """The run's row."""
        found = await self.db.read(lambda tx: runs.get(tx, run))
        assert found is not None
        return found

    async def steps(self, run: str) -> list[runs.Step]:
        """The run's steps."""
        return await self.db.read(lambda tx: runs.steps_of(tx, run))

    async def rests(self) -> None:
        """Until every run has ended, is paused, or waits for a person's word on what became of a step."""
        try:
            async with asyncio.timeout(AT_REST_S):
                while waits := await self.db.read(_waiting):
                    for run, step in waits:
                        await self._people(run, step)
                    await asyncio.sleep(0.012)
        except TimeoutError:
            left = [f"{run.id} {run.state}: {step.idx} {step.state} {step.note}" for run, step in waits if step]
            raise AssertionError(f"stranded after {AT_REST_S:.0f} s: {left or waits}") from None

    def posts(self, channel: str) -> list[str]:
        """What Muster said in a channel, in order."""
        found = self.sandbox.world.channel(channel)
        assert found is not None, f"there is no channel {channel}"
        return [message.text for message in found.messages if message.by_app and not message.deleted]

    def messages(self, user: str) -> list[str]:
        """What Muster wrote to somebody directly, in order."""
        return [message.text for message in self.sandbox.world.direct(user).messages if message.by_app]

    async def _people(self, run: runs.Run, step: runs.Step | None) -> None:
        """Somebody approves what is held, or answers what is asked; else the machine is busy."""
        if step is not None and step.state == "held":
            await self.crew.decide(run.id)
        elif step is not None and step.state == "parked" and step.question and step.answer is None:
            told = self.says.get(step.id) or self.entry.answers.get(step.id)
            if callable(told):
                await told(self, run.id, step)
            else:
                await self.crew.reply(step, told)


def _waiting(tx: Tx) -> list[tuple[runs.Run, runs.Step | None]]:
    """The runs that are not at rest, with the step they are at (None: between steps)."""
    found: list[tuple[runs.Run, runs.Step | None]] = []
    query = select(run_rows.c.id).where(run_rows.c.state.not_in(RUN_ENDED))
    for run in [runs.get(tx, id) for id in tx.conn.execute(query).scalars().all()]:
        assert run is not None
        steps = runs.steps_of(tx, run.id)
        at = next((s for s in steps if s.state not in ("pending", "succeeded", "skipped", "failed", "uncertain")), None)
        resting = run.state == "paused" or (at is not None and at.state == "asking" and run.lease_owner is None)
        if not resting:
            found.append((run, at))
    return found


class Theatre:
    """One sandbox for many stages. Its slow parts (moto, clients of AWS) are started once."""

    def __init__(
        self, template: Path, folder: Path, postgres: str | None = None, *, patience: float = PATIENCE_S,
        library: Library = LIBRARY,
    ) -> None:  # fmt: skip
        self._template, self._folder, self._patience, self._library = template, folder, patience, library
        self._sandbox = Sandbox(rate_factor=0, postgres=postgres)
        self._policies: dict[str, Policy] = {}
        self._engine: Engine | None = None
        self._count = 0
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Theatre:
        patch = self._open.enter_context(pytest.MonkeyPatch.context())
        await self._open.enter_async_context(self._sandbox)
        if "moto" not in sys.modules:  # its first import may take longer than clients wait
            await self._sandbox.aws.start()
        for name, value in self._sandbox.env().items():
            patch.setenv(name, value)
        self._floor = hearing(patch)
        shortened(patch, lambda: self._engine.wake() if self._engine else None)
        self._settings = Settings.of(self._sandbox.env(), muster_config=EXAMPLE, muster_read_timeout=self._patience)
        self._connectors = connect(self._settings)
        self._open.push_async_callback(self._connectors.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def _tools(self, policy: Policy, db: Database) -> dict[type, Any]:
        """As bot/app.py wires them. Clients are kept from stage to stage, but those made from the policy and Slack's,
        which remembers groups."""
        self._connectors.name_files([policy.anchors.file] if policy.anchors.file else [])
        found = {**self._connectors.tools, Drafts: TimelineDrafts(db, policy), Record: TimelineRecord(db)}
        found |= tools_of(self._settings, policy)
        token, address = self._sandbox.env()["SLACK_BOT_TOKEN"], self._sandbox.env()["SLACK_API_URL"]
        return found | {
            kind: kind(token, base_url=address, read_timeout=self._patience) for kind in (SlackReads, Slack)
        }

    @asynccontextmanager
    async def stage(self, entry: Entry) -> AsyncIterator[Stage]:
        """A fresh outside and a fresh record, prepared as the entry says."""
        self._count += 1
        await self._sandbox.reset()
        self._sandbox.settings.ssm_record_seconds = 0.005
        self._sandbox.settings.reboot_seconds = self._sandbox.settings.pagerduty_delay = 0.01
        folder = self._folder / str(self._count)
        folder.mkdir()
        shutil.copy(self._template, folder / "muster.db")
        policy = self._policy(entry, folder)
        url = f"sqlite:///{folder / 'muster.db'}"
        db = Database(url)
        tools = self._tools(policy, db)
        engine = Engine(db, tools, self._library, policy, replica="stage", url="http://muster", lease_s=300.0,
                        poll_s=0.2, at_once=1)  # fmt: skip
        self._engine = engine
        crew = Crew(self._sandbox, db, policy, engine)
        made = Stage(entry, self._sandbox, tools, db, policy, engine, aimed(self._floor, self._sandbox), folder, crew)
        try:
            await db.write(crew.seed)
            await engine.start()
            await self._prepare(made)
            yield made
        finally:
            self._engine = None
            await engine.stop(grace_s=2.0)
            kept = self._connectors.tools.values()
            own = [tool for tool in tools.values() if hasattr(tool, "close") and not any(tool is one for one in kept)]
            await asyncio.gather(*(tool.close() for tool in own))
            await db.close()

    async def _prepare(self, stage: Stage) -> None:
        entry = stage.entry
        if entry.incident is not None:
            await stage.declare(**entry.incident)
        for name in entry.before:
            run = await stage.play(name, entry=entry_of(name))
            assert run.state == "succeeded", f"{name}, which comes before, {run.state}: {run.reason}"
        if entry.prepare is not None:
            await entry.prepare(stage)

    def _policy(self, entry: Entry, folder: Path) -> Policy:
        """The example, without paging approvers (they are all here), and with what the entry wants otherwise."""
        text = EXAMPLE.read_text(encoding="utf-8").replace("page_missing: true", "page_missing: false")
        for old, new in entry.policy.items():
            assert old in text, f"the example policy does not say {old!r}"
            text = text.replace(old, new.replace("{folder}", str(folder)))
        if text not in self._policies:  # as long as the addresses in the environment stay
            self._policies[text] = parse_policy(text)
        return self._policies[text]
