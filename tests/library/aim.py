"""Which step asked the outside for what, and making exactly that request fail.

The stand-ins serve in this event loop, and the engine names its tasks `INC-1/2#3:call`: while a request arrives, the
steps in flight are known. Lanes are played one after the other here, so that it is one.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.wire import Call, Wire

TASK = re.compile(r"(?P<run>.+)#(?P<idx>\d+):(?P<what>\w+)")


def in_flight() -> list[tuple[str, int]]:
    """(run, step) of everything the engines of this loop are busy with now."""
    names = (TASK.fullmatch(task.get_name()) for task in asyncio.all_tasks() if not task.done())
    return sorted({(one["run"], int(one["idx"])) for one in names if one})


@dataclass(frozen=True)
class Shot:
    """Let requests of one step fail: the first of this service and method, or all of them until they are let go."""

    run: str
    idx: int
    service: str
    method: str
    mode: str
    always: bool = False


class Aimed(Faults):
    """The sandbox's table of faults, which also knows the steps behind the requests."""

    def __init__(self, wire: Wire, planned: Faults) -> None:
        super().__init__()
        self.wire = wire
        self.planned, self.latencies = planned.planned, planned.latencies
        self.shot: Shot | None = None
        self.hits = 0
        self.made: dict[tuple[str, int], list[Call]] = {}

    def take(self, service: str, method: str) -> Fault | None:
        """Write down whose request this is; the fault it must suffer, if any."""
        flying = in_flight()
        call = next((one for one in reversed(self.wire.calls) if (one.service, one.method) == (service, method)), None)
        for step in flying:
            if call is not None:
                self.made.setdefault(step, []).append(call)
        shot = self.shot
        if shot is not None and self._meets(shot, service, method, flying):
            self.hits += 1
            return Fault(service, method, shot.mode, retry_after=0)
        return super().take(service, method)

    def _meets(self, shot: Shot, service: str, method: str, flying: list[tuple[str, int]]) -> bool:
        same = (shot.service, shot.method) == (service, method) and (shot.run, shot.idx) in flying
        return same and (shot.always or self.hits == 0)

    def calls(self, run: str, idx: int) -> list[Call]:
        """What a step asked of the outside, in order."""
        return self.made.get((run, idx), [])

    def effects(self, run: str, idx: int) -> list[Call]:
        """What of it was carried out."""
        return [call for call in self.calls(run, idx) if call.effect]


def aimed(sandbox: object) -> Aimed:
    """Put the table between the stand-ins and their faults; once after each reset."""
    wire: Wire = sandbox.wire  # type: ignore[attr-defined]
    faults = Aimed(wire, sandbox.faults)  # type: ignore[attr-defined]
    wire.faults = faults
    sandbox.faults = faults  # type: ignore[attr-defined]
    return faults
