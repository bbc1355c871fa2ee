"""Each step of a playbook, made to fail in every way at its first effect (or first look): which ways are played.

Belongs here: choosing the failures of a step, and which are met in one play. Does not belong here: playing them and
judging (suffering.py), aiming at a request (aim.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playbooks.action import Risk
from storage import runs
from tests.library.aim import Asked
from tests.library.outside import changed, seen
from tests.library.stage import Stage

# 429 and 500 once; an answer lost after the effect; a refusal; a service that is down until somebody tries again.
MODES = ("429", "500", "lost", "refused", "down")
SLOW = ("timeout",)  # as lost, but by silence: it lasts as long as the clients' patience
ORDINARY, MOST = 2, 8  # ways of a step, and of a playbook unless it has more steps, in the ordinary suite
TOGETHER = 5  # steps that fail in one play of the ordinary suite
ALONE = ("refused", "broken")  # after these the outside may show less, or the entry itself mends it: a play of its own


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


def together(failures: Sequence[Failure]) -> list[list[Failure]]:
    """The same as plays: several steps fail in one, each once, and people see to one after the other. A step that fails
    a second way does so in another play."""
    plays: list[list[Failure]] = []
    for one in sorted(failures, key=lambda one: one.idx):
        open_to = (play for play in plays if len(play) < TOGETHER and play[-1].idx < one.idx)
        play = next((play for play in open_to if play[0].mode not in ALONE), None)
        if play is None or one.mode in ALONE:
            plays.append([one])
        else:
            play.append(one)
    return plays


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
