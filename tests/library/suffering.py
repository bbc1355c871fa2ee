"""Playing a playbook while some of its steps fail: people see to each, and then all is as when nothing fails.

Belongs here: playing failures, naming what does not hold. Does not belong here: which failures there are (failing.py),
aiming at a request (aim.py), what must hold of every play (holds.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from playbooks.action import Again, find
from playbooks.engine.answering import answer
from playbooks.engine.spending import covered
from storage import runs
from tests.library import holds
from tests.library.aim import Shot
from tests.library.crew import ANA
from tests.library.entry import Entry
from tests.library.failing import Failure, Good, approvals, failures, together
from tests.library.outside import seen
from tests.library.stage import Stage, Theatre

WIRE = {"lost": "close_after", "down": "500", "timeout": "timeout_after"}
REFUSED = {
    "slack": "missing_scope", "aws": "error:AccessDenied", "kubernetes": "error:Forbidden", "postgres": "error:42501",
    "redis": "error:NOPERM",
}  # fmt: skip
# Asking for these again leaves nothing behind: a file nobody shared, a conversation that is there.
LEAVES_NOTHING = {("slack", "files.getUploadURLExternal"), ("slack", "upload"), ("slack", "conversations.open")}


async def suffers(stage: Stage, name: str, good: Good, group: Sequence[Failure]) -> list[str]:
    """Play it with these failures, people mending one after the other; what did not hold, in words."""
    play = _Play(stage, good, group)
    await play.begin(name)
    for _ in range(2 * len(play.steps) + 2):
        met = await play.newly_met()
        for failure in met:
            await play.judged(failure)
        if play.problems or play.run.state == "succeeded" or not await play.seen_to(met):
            break
    if not play.problems:
        await play.ended()
    return play.problems


class _Play:
    """One play with failures, while it is judged."""

    def __init__(self, stage: Stage, good: Good, group: Sequence[Failure]) -> None:
        self.stage, self.good, self.group = stage, good, group
        self.shots = {one: self._shot(one) for one in group if one.asked}
        self.met: list[Failure] = []
        self.problems: list[str] = []
        self.doubled: set[str] = set()
        self.run: runs.Run
        self.steps: list[runs.Step] = []

    def _shot(self, failure: Failure) -> Shot:
        assert failure.asked is not None
        mode = WIRE.get(failure.mode, failure.mode)
        if failure.mode == "refused":
            mode = REFUSED.get(failure.asked[0], "403")
        return Shot((self.good.run, failure.idx), failure.asked, mode, failure.mode == "down")

    async def begin(self, name: str) -> None:
        """Play until it rests, with the failures in its way."""
        stage = self.stage
        stage.crew.denies = {one.idx for one in self.group if one.mode == "denied"}
        stage.says = {one.id: "no" for one in self.group if one.mode == "no"}
        for one in self.group:
            if one.mode == "broken":
                await stage.entry.breaks[one.id](stage)
        self.run = await stage.play(name, shots=list(self.shots.values()))
        await self._look()

    async def _look(self) -> None:
        self.run = await self.stage.row(self.run.id)
        self.steps = await self.stage.steps(self.run.id)

    async def newly_met(self) -> list[Failure]:
        """The failures that were met since the last look; all that are left once it succeeded."""
        asked = await self.stage.db.read(lambda tx: runs.approvals_of(tx, self.run.id))
        denied = {step for one in asked if one.state == "denied" for step in covered(one)}
        left = [one for one in self.group if one not in self.met]
        if self.run.state != "succeeded":
            left = [one for one in left if (one.idx in denied if one.mode == "denied" else self._came(one))]
        self.met += left
        return left

    def _came(self, failure: Failure) -> bool:
        """Its request was made, or its step was come to. A step may fail before its request: what it needs failed too."""
        shot = self.shots.get(failure)
        return self.stage.faults.hits[shot] > 0 if shot else self._step(failure).state != "pending"

    def _step(self, failure: Failure) -> runs.Step:
        return self.steps[failure.idx - 1]

    async def judged(self, failure: Failure) -> None:
        """It ended well, or somebody is told; nothing happened twice, and nothing went on that should not."""
        found, step = [], self._step(failure)
        if failure in self.shots and not self.stage.faults.hits[self.shots[failure]]:
            found.append("the request was not made again, so nothing failed")
        asking = [one for one in self.steps if one.state == "asking"]
        if not asking and self.run.state not in ("succeeded", "incomplete", "paused"):
            found.append(f"the run {self.run.state}")
        if failure.mode in ("denied", "no", "broken") and step.on_failure == "pause":
            stopped = self.run.state in ("paused", "incomplete") or bool(asking)
            found += [] if stopped else [f"it went on: {self.run.state}"]
        if self.run.state != "succeeded":
            found += await holds.untold(self.stage, self.run, self.steps)
        if step.state in ("failed", "uncertain", "asking") and step.on_failure == "pause":
            went_on = [one.idx for one in self.steps[step.idx :] if one.state not in ("pending", "held")]
            changed = [one.idx for one in self.steps[step.idx :] if self.stage.faults.effects(self.run.id, one.idx)]
            found += [f"steps {went_on or changed} went on behind it"] if went_on or changed else []
        found += self._twice()
        await holds.recorded(self.stage, self.run.id)
        self.problems += [f"{failure}: {problem}" for problem in found]

    def _twice(self) -> list[str]:
        """The steps that now changed more than they do when nothing fails. A keyed one may send the very same request again:
        the outside removes it by its key."""
        found = []
        for step in self.steps:
            action = find(step.uses)
            assert action is not None
            made = self.stage.faults.effects(self.run.id, step.idx)
            usual = Counter(asked for asked, effect in self.good.calls[step.idx] if effect)
            for asked, times in (Counter(asked for asked, _ in made) - usual).items():
                same = {repr(call.arguments) for one, call in made if one == asked}
                keyed = action.again is not Again.NEVER and len(same) <= usual[asked]
                if not keyed and asked not in LEAVES_NOTHING:
                    found.append(f"step {step.idx} {step.uses} did {' '.join(asked)} {times} times too often")
        fresh = [one for one in found if one not in self.doubled]
        self.doubled.update(fresh)
        return fresh

    async def seen_to(self, met: Sequence[Failure]) -> bool:
        """What failed so far works again: people answer truly what became of a step, or try again what went wrong, and
        it goes on to the next failure. False when nothing is left to do, or nobody here can."""
        stage, entry = self.stage, self.stage.entry
        for failure in met:
            if failure in self.shots:
                stage.faults.shots.remove(self.shots[failure])
            stage.crew.denies.discard(failure.idx)
            stage.says.pop(failure.id, None)
            if failure.mode == "broken":
                if entry.mends is None:
                    return False
                await entry.mends(stage)
        asking = next((step for step in self.steps if step.state == "asking"), None)
        went_on = await (self._told(asking) if asking else stage.retried(self.run.id))
        await self._look()
        return went_on

    async def _told(self, step: runs.Step) -> bool:
        """Ana says what became of it, as it was."""
        stage = self.stage
        happened = "happened" if stage.faults.effects(self.run.id, step.idx) else "did-not"
        actor, named = stage.crew.actor(ANA), str(step.idx)
        await stage.db.write(
            lambda tx: answer(tx, stage.engine, run=self.run.id, step=named, actor=actor, choice=happened)
        )
        await stage.rests()
        return True

    async def ended(self) -> None:
        """It succeeded, and the outside shows what it shows when nothing fails. Who refuses may be left out of several,
        if that is said; what an entry breaks and does not mend stays as it is."""
        if self.run.state != "succeeded":
            mends = self.stage.entry.mends is not None or all(one.mode != "broken" for one in self.group)
            left = [f"{one.idx} {one.id} {one.state}: {one.error or one.note}" for one in self.steps]
            self.problems += [f"{self._named()}: tried again, it {self.run.state}: {left}"] if mends else []
            return
        first = self._step(self.group[0])
        left_out = self.group[0].mode == "refused" and first.attempt == 1
        if not (left_out and first.note != self.good.steps[first.idx - 1].note):
            self.problems += [f"{self._named()}: {problem}" for problem in await self._differs()]

    def _named(self) -> str:
        return "; ".join(map(str, self.group))

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
    theatre: Theatre, name: str, entry: Entry, good: Good, plays: Sequence[Sequence[Failure]]
) -> list[str]:  # fmt: skip
    """Play it once with each group of failures; what did not hold."""
    problems: list[str] = []
    for group in plays:
        async with theatre.stage(entry) as stage:
            try:
                problems += await suffers(stage, name, good, group)
            except AssertionError as error:
                problems.append(f"{'; '.join(map(str, group))}: {error}")
    return problems


async def all_suffered(theatre: Theatre, name: str, entry: Entry) -> list[str]:
    """All of it, as the ordinary suite does."""
    good, failures = await rehearsed(theatre, name, entry)
    return await suffered(theatre, name, entry, good, together(failures))
