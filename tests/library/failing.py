"""Each step of a playbook, made to fail in every way at its first effect (or first look): which ways, and what follows.

Belongs here: choosing the failures of a step, playing one, naming what does not hold. Does not belong here: aiming at a
request (aim.py), what must hold of every play (holds.py).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playbooks.action import Again, Risk, find
from playbooks.engine.answering import answer
from storage import runs
from tests.library import holds
from tests.library.aim import Asked, Shot
from tests.library.crew import ANA
from tests.library.entry import Entry
from tests.library.outside import changed, seen
from tests.library.stage import Stage, Theatre

# 429 and 500 once; an answer lost after the effect; a refusal; a service that is down until somebody tries again.
MODES = ("429", "500", "lost", "refused", "down")
SLOW = ("timeout",)  # as lost, but by silence: it lasts as long as the clients' patience
WIRE = {"lost": "close_after", "down": "500", "timeout": "timeout_after"}
REFUSED = {
    "slack": "missing_scope", "aws": "error:AccessDenied", "kubernetes": "error:Forbidden", "postgres": "error:42501",
    "redis": "error:NOPERM",
}  # fmt: skip
ORDINARY, MOST = 2, 8  # ways of a step, and of a playbook unless it has more steps, in the ordinary suite


# Asking for these again leaves nothing behind: a file nobody shared, a conversation that is there.
LEAVES_NOTHING = {("slack", "files.getUploadURLExternal"), ("slack", "upload"), ("slack", "conversations.open")}


@dataclass(frozen=True)
class Failure:
    """One step and what goes wrong with it. asked: the request that fails; None when people or the entry do."""

    idx: int
    id: str
    mode: str
    asked: Asked | None = None

    def __str__(self) -> str:
        what = f" of {' '.join(self.asked)}" if self.asked else ""
        return f"step {self.idx} {self.id}, {self.mode}{what}"


@dataclass(frozen=True)
class Good:
    """How it went when nothing failed: the run, its steps, what each changed outside, what the outside then showed."""

    run: str
    steps: tuple[runs.Step, ...]
    calls: dict[int, tuple[tuple[Asked, bool], ...]]
    approvals: int
    seen: dict[str, Any]

    @classmethod
    async def of(cls, stage: Stage, run: str) -> Good:
        """What is to be remembered of the good play."""
        steps = tuple(await stage.steps(run))
        calls = {
            step.idx: tuple((asked, changed(call)) for asked, call in stage.faults.calls(run, step.idx))
            for step in steps
        }
        return cls(run, steps, calls, await approvals(stage, run), seen(stage.sandbox))


def failures(name: str, stage: Stage, good: Good, *, every: bool = False) -> list[Failure]:
    """What is played: up to two ways per step, chosen by name; all of them for thorough entries, and of every request
    with `every`."""
    ways = [_ways(step, stage, good, every=every) for step in good.steps if step.state != "skipped"]
    if every or stage.entry.thorough:
        return [one for each in ways for one in each]
    turned = [_turned(each, zlib.crc32(name.encode()) + 2 * n) for n, each in enumerate(ways)]
    firsts = [one for each in turned for one in each[:1]]
    seconds = [one for each in turned for one in each[1:ORDINARY]]
    return firsts + seconds[: max(0, MOST - len(firsts))]


def _turned(ways: list[Failure], by: int) -> list[Failure]:
    """The same, beginning elsewhere."""
    first = by % len(ways) if ways else 0
    return ways[first:] + ways[:first]


def _ways(step: runs.Step, stage: Stage, good: Good, *, every: bool) -> list[Failure]:
    made = good.calls[step.idx]
    firsts = [asked for asked, effect in made if effect] or [asked for asked, _ in made]
    wanted = list(dict.fromkeys([*firsts, *(asked for asked, _ in made)])) if every else firsts[:1]
    ways = [
        Failure(step.idx, step.id, mode, asked) for asked in wanted
        for mode in (*MODES, *(SLOW if every else ()))
    ]  # fmt: skip
    ways += [Failure(step.idx, step.id, "denied")] if Risk(step.risk).guarded else []
    ways += [Failure(step.idx, step.id, "no")] if "no" in (step.question or {}).get("choices", ()) else []
    return ways + ([Failure(step.idx, step.id, "broken")] if step.id in stage.entry.breaks else [])


async def approvals(stage: Stage, run: str) -> int:
    """How often people were asked to agree."""
    return len(await stage.db.read(lambda tx: runs.approvals_of(tx, run)))


async def suffers(stage: Stage, name: str, good: Good, failure: Failure) -> list[str]:
    """Play it with one failure, then let a person try again; what did not hold, in words."""
    play = _Play(stage, good, failure)
    await play.begin(name)
    await play.judged()
    if not play.problems and play.run.state != "succeeded":
        await play.repaired()
    if not play.problems:
        await play.ended()
    return [f"{failure}: {problem}" for problem in play.problems]


class _Play:
    """One play with a failure, while it is judged."""

    def __init__(self, stage: Stage, good: Good, failure: Failure) -> None:
        self.stage, self.good, self.failure = stage, good, failure
        self.problems: list[str] = []
        self.run: runs.Run
        self.steps: list[runs.Step] = []

    async def begin(self, name: str) -> None:
        """Play until it rests, with the failure in its way."""
        stage, failure = self.stage, self.failure
        shot = None
        if failure.asked:
            mode = WIRE.get(failure.mode, failure.mode)
            if failure.mode == "refused":
                mode = REFUSED.get(failure.asked[0], "403")
            shot = Shot((self.good.run, failure.idx), failure.asked, mode, failure.mode == "down")
        stage.crew.denies = failure.mode == "denied"
        stage.says = (failure.id, "no") if failure.mode == "no" else None
        if failure.mode == "broken":
            await stage.entry.breaks[failure.id](stage)
        self.run = await stage.play(name, shot=shot)
        await self._look()

    async def _look(self) -> None:
        self.run = await self.stage.row(self.run.id)
        self.steps = await self.stage.steps(self.run.id)

    @property
    def step(self) -> runs.Step:
        """The step that failed."""
        return self.steps[self.failure.idx - 1]

    def holds(self, true: bool, words: str) -> None:
        """Note what does not hold."""
        if not true:
            self.problems.append(words)

    async def judged(self) -> None:
        """It ended well, or somebody is told; nothing happened twice, and nothing went on that should not."""
        failure, step = self.failure, self.step
        if failure.asked:
            self.holds(self.stage.faults.hits > 0, "the request was not made again, so nothing failed")
        asking = [one for one in self.steps if one.state == "asking"]
        self.holds(bool(asking) or self.run.state in ("succeeded", "incomplete", "paused"), f"the run {self.run.state}")
        if failure.mode in ("denied", "no", "broken", "down", "refused") and step.on_failure == "pause":
            stopped = self.run.state in ("paused", "incomplete") or bool(asking)
            self.holds(stopped or failure.mode in ("refused", "down"), f"it went on: {self.run.state}")
        if self.run.state != "succeeded":
            self.problems += await holds.untold(self.stage, self.run, self.steps)
        if step.state in ("failed", "uncertain", "asking") and step.on_failure == "pause":
            went_on = [one.idx for one in self.steps[step.idx :] if one.state not in ("pending", "held")]
            changed = [one.idx for one in self.steps[step.idx :] if self.stage.faults.effects(self.run.id, one.idx)]
            self.holds(not went_on and not changed, f"steps {went_on or changed} went on behind it")
        self._once()
        await holds.recorded(self.stage, self.run.id)

    def _once(self) -> None:
        """No step changed more than it does when nothing fails. A keyed one may send the very same request again: the
        outside removes it by its key."""
        for step in self.steps:
            action = find(step.uses)
            assert action is not None
            made = self.stage.faults.effects(self.run.id, step.idx)
            usual = Counter(asked for asked, effect in self.good.calls[step.idx] if effect)
            for asked, times in (Counter(asked for asked, _ in made) - usual).items():
                same = {repr(call.arguments) for one, call in made if one == asked}
                keyed = action.again is not Again.NEVER and len(same) <= usual[asked]
                said = f"step {step.idx} {step.uses} did {' '.join(asked)} {times} times too often"
                self.holds(keyed or asked in LEAVES_NOTHING, said)

    async def repaired(self) -> None:
        """The outside works again: people answer truly what became of a step, and try again what failed."""
        stage = self.stage
        for step in [one for one in self.steps if one.state == "asking"]:
            happened = "happened" if stage.faults.effects(self.run.id, step.idx) else "did-not"
            stage.faults.shot = None
            actor, named = stage.crew.actor(ANA), str(step.idx)
            await stage.db.write(
                lambda tx: answer(tx, stage.engine, run=self.run.id, step=named, actor=actor, choice=happened)
            )
            await stage.rests()
        if self.failure.mode == "broken":
            if stage.entry.mends is None:
                return
            await stage.entry.mends(stage)
        await stage.again(self.run.id)
        await self._look()
        left = [f"{one.idx} {one.id} {one.state}: {one.error or one.note}" for one in self.steps]
        self.holds(self.run.state == "succeeded", f"tried again, it {self.run.state}: {left}")

    async def ended(self) -> None:
        """The outside shows what it shows when nothing fails. Who refuses may be left out of several, if that is said."""
        if self.run.state != "succeeded":
            return
        found = await self._differs()
        left_out = self.failure.mode == "refused" and self.step.attempt == 1
        if not (left_out and self.step.note != self.good.steps[self.failure.idx - 1].note):
            self.problems += found

    async def _differs(self) -> list[str]:
        now, found = seen(self.stage.sandbox), []
        if await approvals(self.stage, self.run.id) > self.good.approvals:
            now["slack"] = self.good.seen["slack"]  # what was asked again was told again
        for service, shown in self.good.seen.items():
            found += [f"{service} shows {now[service]} instead of {shown}"] if now[service] != shown else []
        if self.stage.entry.check is not None:
            try:
                await self.stage.entry.check(self.stage)
            except AssertionError as error:
                found.append(f"the entry's check: {error}")
        return found


async def rehearsed(theatre: Theatre, name: str, entry: Entry, *, every: bool = False) -> tuple[Good, list[Failure]]:
    """Plan it and play it well once: how that went, and the failures to play."""
    async with theatre.stage(entry) as stage:
        await holds.plans(stage, name)
        run = await holds.plays(stage, name)
        good = await Good.of(stage, run.id)
        return good, failures(name, stage, good, every=every)


async def suffered(
    theatre: Theatre, name: str, entry: Entry, good: Good, failures: Sequence[Failure]
) -> list[str]:  # fmt: skip
    """Play it with each failure; what did not hold."""
    problems: list[str] = []
    for failure in failures:
        async with theatre.stage(entry) as stage:
            try:
                problems += await suffers(stage, name, good, failure)
            except AssertionError as error:
                problems.append(f"{failure}: {error}")
    return problems


async def all_suffered(theatre: Theatre, name: str, entry: Entry) -> list[str]:
    """Both, as the ordinary suite does."""
    return await suffered(theatre, name, entry, *await rehearsed(theatre, name, entry))
