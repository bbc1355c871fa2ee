"""The prepared moment with everything at work: what a play makes Muster ask of the outside, and what is there then.

Engine, projector and clock run beside the doors of theatre.py, the waits of Muster are short, and outside and record are
put back together. Belongs here: putting back, waiting until nothing is under way, naming calls. Does not belong here:
which calls a command makes, what must hold when they fail (test_failures_outside.py).
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.cards import Projector
from bot.sandbox import Sandbox
from bot.sandbox.slack.text import flattened
from bot.sandbox.wire import Call
from storage import runs
from storage.db import Tx
from storage.tables import cards, replies, timers
from storage.tables import inbox as asks
from storage.tables import runs as run_rows
from tests.conversations.every_command import HERE, Moment, Play
from tests.conversations.theatre import ENDED, Outcome, Stage, keeper
from tests.library.outside import changed, plain, seen
from tests.library.pace import shortened

PATIENCE_S = 40.0  # how long a play may take on a slow machine; none waits for it
SCALE = 50.0
SOON, ALONE = timedelta(seconds=2), timedelta(minutes=25)
PARTS = ("world", "pagerduty", "statuspage", "jira", "outside", "mail")
KEEPS = {"_count", "_last_ts", "_server", "_socket", "_starting", "_open"}  # of the parts: what goes on
NO_EFFECT = re.compile(r"(\.(list|info|test|members|history|replies|lookupByEmail|connections\.open)|^response_url)$")
READS = re.compile(r"^(Describe|Get|List|Lookup|Simulate)")
NUMBERED = re.compile(r"\bevent \d+|…\w+|\b[CDFQ]0[0-9A-F]{6,}\b|\bQ\w{7}\b")  # anew in each play


def made(calls: list[Call]) -> list[str]:
    """What was asked of the outside that somebody there would notice, in order; answers to the person are none of it."""
    return [f"{call.service} {call.method}" for call in calls if changed(call) and _noticed(call)]


def _noticed(call: Call) -> bool:
    if call.service == "slack":
        return not NO_EFFECT.search(call.method) and call.method != "chat.postEphemeral"
    return not (call.service == "aws" and READS.match(call.method)) and call.service not in ("http", "dns")


@dataclass
class After:
    """What a play left behind. calls: as `made`; slack: each conversation's first lines and how it stands; others: what
    the other services show; outcome: what the person saw, and the record; met: how many of the failures."""

    calls: list[str]
    slack: dict[str, Counter[str]]
    others: Counter[str]
    outcome: Outcome
    met: int

    @property
    def failed(self) -> bool:
        """Whether the record says of a step that it failed, or that nobody knows."""
        ends = {"step.failed", "step.uncertain"}
        return any(type_ in ends for _, _, type_, _ in self.outcome.shape["events"])

    def whole(self, plain: After, *, twice: bool = False) -> bool:
        """Whether the outside is as if nothing had failed. twice: what was written directly, to whom no answer came, may
        have been said again (it is never looked for)."""
        return not self.apart(plain, twice=twice)

    def apart(self, plain: After, *, twice: bool = False) -> list[str]:
        """What there is too much and too little of."""
        found = [f"more: {one}" for one in self.others - plain.others]
        found += [f"less: {one}" for one in plain.others - self.others]
        for name in {*self.slack, *plain.slack}:
            mine, other = self.slack.get(name, Counter()), plain.slack.get(name, Counter())
            if twice and name.startswith("dm:"):
                mine, other = Counter(set(mine)), Counter(set(other))
            found += [f"more in {name}: {one}" for one in mine - other]
            found += [f"less in {name}: {one}" for one in other - mine]
        return found

    def doubled(self, plain: After) -> list[str]:
        """What stands there more often than when nothing fails, and more than once."""
        pairs = [
            (self.others, plain.others),
            *((self.slack[name], plain.slack.get(name, Counter())) for name in self.slack),
        ]
        return [one for mine, other in pairs for one, times in mine.items() if times > max(1, other[one])]


class Outdoors:
    """A stage on which everything runs."""

    def __init__(self, stage: Stage, moment: Moment) -> None:
        self.stage, self.moment, self.app = stage, moment, stage.app
        self.sandbox: Sandbox = stage.town.sandbox
        self.kept: dict[str, dict[str, Any]] = {}
        self.corrections: dict[str, Any] = {}

    def keep(self) -> None:
        """This is the moment."""
        self.stage.back = keeper(self.app.db.url)
        self.kept = {name: self._copied(vars(getattr(self.sandbox, name))) for name in PARTS}
        self.corrections = self._copied(vars(self.sandbox.aws._corrections))

    def _copied(self, values: dict[str, Any]) -> dict[str, Any]:
        mine = {name: value for name, value in values.items() if name not in KEEPS and value is not self.sandbox}
        return copy.deepcopy(mine, {id(self.sandbox): self.sandbox})

    async def rewind(self, play: Play) -> None:
        """Record and outside are as they were at the moment."""
        for name, values in self.kept.items():
            vars(getattr(self.sandbox, name)).update(self._copied(values))
        vars(self.sandbox.aws._corrections).update(self._copied(self.corrections))
        await self.stage.rewind(play.first)

    async def plays(self, play: Play, *, faults: tuple[tuple[str, str, str], ...] = ()) -> After:
        """Play it once from the moment on, with these failures (service, method, mode), each once."""
        await self.rewind(play)
        for service, method, mode in faults:
            await self.stage.town.sb.fail(service, method, mode, retry_after=1)
        since = self.sandbox.wire._count
        await play.act(self.stage, self.moment)
        await self.rests()
        calls = [call for call in self.sandbox.wire.calls if call.number > since]
        outcome = await self.stage.outcome(play.user, HERE)
        return After(
            made(calls), _slack(self.sandbox), _others(self.sandbox), outcome, sum(1 for c in calls if c.fault)
        )

    async def rests(self) -> None:
        """Until nothing is under way: no ask, answer, step, card or timer, and nobody waits for the outside."""
        calm, left = 0, ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while calm < 2:
                    left = await self.app.db.read(self._under_way) or (len(self.app.projector._pins) and "a pin")
                    calm = 0 if left else calm + 1
                    self.app.worker.wake()
                    self.app.sender.wake()
                    self.app.projector.wake()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"it does not come to rest: {left}") from None

    def _under_way(self, tx: Tx) -> str:
        count = select(func.count())
        if tx.conn.execute(count.select_from(asks).where(asks.c.state.not_in(ENDED))).scalar_one():
            return "an ask"
        if tx.conn.execute(count.select_from(replies).where(replies.c.state == "waiting")).scalar_one():
            return "an answer"
        going = tx.conn.execute(select(run_rows.c.id).where(run_rows.c.state.in_(("queued", "running", "waiting"))))
        for run in going.scalars().all():
            for step in runs.steps_of(tx, run):
                waits = step.question is None or step.answer is not None
                if step.state in ("started", "done", "unknown") or (step.wake_at and waits):
                    return f"{run} {step.idx} {step.uses} {step.state}: {step.note or step.error}"
            if (found := runs.get(tx, run)) and found.state in ("queued", "running"):
                return f"run {run}"
        stale = select(cards.c.kind, cards.c.error).where(cards.c.wanted > cards.c.shown, cards.c.state != "gone")
        if card := tx.conn.execute(stale).first():
            return f"card {card}"
        due = select(timers.c.kind, timers.c.subject).where(
            timers.c.state == "pending", timers.c.due_at < tx.now + SOON
        )
        for timer in tx.conn.execute(due):
            run_of = runs.get(tx, timer.subject) if timer.kind == "settle" else None
            if run_of is None or run_of.state in ("succeeded", "incomplete", "aborted", "paused"):
                return f"timer {timer.kind} {timer.subject}"
        return ""


def _slack(sandbox: Sandbox) -> dict[str, Counter[str]]:
    """Each conversation: how it stands, and the first line of what Muster says there to everybody in it."""
    found: dict[str, Counter[str]] = {}
    for room in sandbox.world.channels.values():
        said = [m for m in room.messages if m.by_app and not m.deleted and not m.ephemeral_for]
        lines = Counter(_plain(flattened(m.text, m.blocks).strip().partition("\n")[0]) for m in said)
        stands = f"{sorted(room.members)} {_plain(room.topic)} private={room.is_private} archived={room.is_archived}"
        if said or room.name:
            found[room.name or "dm:" + ",".join(sorted(room.members))] = lines + Counter([stands])
    return found


def _others(sandbox: Sandbox) -> Counter[str]:
    """What every other service shows."""
    rows = {name: found for name, found in seen(sandbox).items() if name not in ("slack", "hosts", "rds")}
    return Counter(f"{name}: {_plain(str(row))}" for name, found in rows.items() for row in found)


def _plain(text: str) -> str:
    return NUMBERED.sub("~", plain(text))


def _later(tx: Tx) -> None:
    """What the moment itself would have told during the plays, so that each leaves behind what it did alone."""
    due = timers.c.due_at < tx.now + ALONE
    tx.conn.execute(update(timers).where(timers.c.state == "pending", due).values(state="cancelled"))


@asynccontextmanager
async def at_work(scene: tuple[Stage, Moment], patch: pytest.MonkeyPatch) -> AsyncIterator[Outdoors]:
    """Everything of Muster runs on this stage, and waits a fraction of what it does for people."""
    stage, moment = scene
    app, hold = stage.app, Projector._hold
    shortened(patch, app.engine.wake)
    patch.setattr("bot.cards.COALESCE_S", 0.02)
    patch.setattr("bot.places.WAIT_FOR_CHANNEL_S", 4.0)  # a channel refused once is there long before
    patch.setattr("commands.timers.settle.SOON", timedelta(seconds=0.05))
    patch.setattr(Projector, "_hold", lambda self, card, why, seconds: hold(self, card, why, seconds / SCALE))
    await app.db.write(_later)
    for part in (app.engine, app.projector, app.clock):
        await part.start()
    outdoors = Outdoors(stage, moment)
    try:
        await outdoors.rests()
        outdoors.keep()
        yield outdoors
    finally:
        for part in (app.clock, app.projector):
            await part.stop()
        await app.engine.stop()
