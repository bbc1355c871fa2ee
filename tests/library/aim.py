"""Which step asked the outside for what, and making exactly that request fail.

Every tool a step is handed is heard: while one of its methods runs, no other step's does, so each request that arrives at
a stand-in is that step's. Belongs here: hearing and aiming. Does not belong here: which failures are played (failing.py).
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.wire import Call, Wire
from playbooks.action import World
from tests.library.outside import changed, plain

TASK = re.compile(r"(?P<run>.+)#(?P<idx>\d+):\w+")  # how the engine names what it does for a step
Who = tuple[str, int]  # run, step
Asked = tuple[str, str]  # service, method


class Floor:
    """Who speaks with the outside now: one step at a time."""

    def __init__(self) -> None:
        self.speaker: Who | None = None
        self._lock = asyncio.Lock()

    def heard(self, tool: Any) -> Any:
        """The tool as the step of this task uses it; itself where no step does (a dry run, an entry)."""
        task = asyncio.current_task()
        named = TASK.fullmatch(task.get_name()) if task else None
        return Heard(tool, self, (named["run"], int(named["idx"]))) if named else tool

    async def speak(self, who: Who, call: Callable[[], Any]) -> Any:
        """One call of a tool, alone."""
        async with self._lock:
            self.speaker = who
            try:
                return await call()
            finally:
                self.speaker = None


class Heard:
    """A tool whose coroutines take the floor; everything else of it is itself."""

    def __init__(self, tool: Any, floor: Floor, who: Who) -> None:
        self._tool, self._floor, self._who = tool, floor, who

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tool, name)
        if inspect.iscoroutinefunction(found):
            return lambda *args, **more: self._floor.speak(self._who, lambda: found(*args, **more))
        assert not inspect.isasyncgenfunction(found), f"{name} is read bit by bit: hear it too"
        return found


def hearing(patch: pytest.MonkeyPatch) -> Floor:
    """From now on steps are handed tools that are heard."""
    floor, use = Floor(), World.use
    patch.setattr(World, "use", lambda self, kind: floor.heard(use(self, kind)))
    return floor


@dataclass(frozen=True)
class Shot:
    """Let requests of one step fail: the first of this service and method, or all of them until they are let go."""

    who: Who
    asked: Asked
    mode: str
    always: bool = False


class Aimed(Faults):
    """The sandbox's table of faults, which also knows the steps behind the requests."""

    def __init__(self, floor: Floor, wire: Wire, planned: Faults) -> None:
        super().__init__()
        self.floor, self.wire = floor, wire
        self.planned, self.latencies = planned.planned, planned.latencies
        self.shots: list[Shot] = []
        self.hits: Counter[Shot] = Counter()
        self._made: dict[Who, list[Call]] = {}

    def take(self, service: str, method: str) -> Fault | None:
        """Write down whose request this is; the fault it must suffer, if any."""
        who = self.floor.speaker
        call = next((one for one in reversed(self.wire.calls) if (one.service, one.method) == (service, method)), None)
        if who is not None and call is not None:
            self._made.setdefault(who, []).append(call)
        for shot in self.shots:
            met = (shot.who, shot.asked) == (who, (service, plain(method)))
            if met and (shot.always or not self.hits[shot]):
                self.hits[shot] += 1
                return Fault(service, method, shot.mode)
        return super().take(service, method)

    def calls(self, run: str, idx: int) -> list[tuple[Asked, Call]]:
        """What a step asked of the outside, in order; methods without what differs from play to play."""
        return [((call.service, plain(call.method)), call) for call in self._made.get((run, idx), [])]

    def effects(self, run: str, idx: int) -> list[tuple[Asked, Call]]:
        """What of it was carried out."""
        return [(asked, call) for asked, call in self.calls(run, idx) if changed(call)]


def aimed(floor: Floor, sandbox: Sandbox) -> Aimed:
    """Put the table between the stand-ins and their faults; once after each reset."""
    faults = Aimed(floor, sandbox.wire, sandbox.faults)
    sandbox.wire.faults = sandbox.faults = faults
    return faults
