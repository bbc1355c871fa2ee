"""The process that is killed: an engine on a given database, which strikes itself at a commit it is told.

Run as `python -m tests.crash.victim` it is a nursery: it imports everything once and forks one victim per line of
JSON on its standard input, so that a matrix of hundreds of kills does not spend its time importing. It answers with
lines: {"id", "pid"} when a victim was born, {"id", "status"} when it ended (minus the signal's number).

A spec may name another module whose `live` the victim is (`lives`: see bringing.py). Else it holds: id, url, outside,
replica, lease_s, poll_s, report (a file that gets one line per counted commit) and strike: {"at": n} (the n-th counted
commit) or {"label": "step.started:destroy"} (the first that writes this event), with "when": before (the work is done,
the commit is not), after (committed), unanswered (committed, and the caller is told that the database did not answer),
and "signal": KILL or STOP. Counted: claims that took a run, and every transition.
Not counted: heartbeats and renewals, of which there is no fixed number.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event

from playbooks.engine.engine import Engine
from playbooks.engine.library import Library
from playbooks.policy import parse_policy
from storage import runs, timeline
from storage.db import Database, Tx, Unreachable, Work
from tests.crash.toys import POLICY, Eyes, Hands

_append = timeline.append


def _noted(tx: Tx, stream: str, *entries: timeline.Entry) -> list[int]:
    """`timeline.append` in this process also notes what a transaction wrote: the labels a strike is aimed by."""
    names = [f"{entry.type}:{entry.body['id']}" if "id" in entry.body else entry.type for entry in entries]
    tx.__dict__.setdefault("labels", []).extend(names)
    return _append(tx, stream, *entries)


def _moves(statement: str) -> bool:
    """Whether this is what every transition does: raise the run's revision."""
    return statement.startswith("UPDATE runs") and "revision" in statement


class Struck(Database):
    """A database whose process is struck at one commit."""

    def __init__(self, url: str, strike: dict[str, Any] | None, report: str | None) -> None:
        super().__init__(url, pool=4)
        self.strike, self.report, self.count = strike, report, 0

    async def _write_once(self, work: Work[Any], door: bool = False) -> tuple[Any, set[str]]:
        hit: list[bool] = []

        def counted(tx: Tx) -> Any:
            moved: list[bool] = []
            event.listen(tx.conn, "before_cursor_execute", lambda *call: moved.append(_moves(call[2])))
            result = work(tx)
            claimed = getattr(work, "func", None) is runs.claim and result
            if not claimed and not any(moved):
                return result
            self.count += 1
            labels = [f"claim:{len(result)}"] if claimed else tx.__dict__.get("labels", [])
            hit[:] = [self._aimed_at(labels)]
            if self.report:
                with Path(self.report).open("a") as file:
                    file.write(f"{self.count} {time.time():.3f} {' '.join(labels)}\n")
            if hit[0] and self.strike and self.strike["when"] == "before":
                self._fall()
            return result

        got = await super()._write_once(counted, door)
        if hit == [True] and self.strike and self.strike["when"] == "after":
            self._fall()
        if hit == [True] and self.strike and self.strike["when"] == "unanswered":
            self.strike = None
            raise Unreachable("The database did not answer (struck)")
        return got

    def _aimed_at(self, labels: list[str]) -> bool:
        if self.strike is None:
            return False
        return self.count == self.strike.get("at") or self.strike.get("label") in labels

    def _fall(self) -> None:
        blow = signal.Signals[f"SIG{(self.strike or {}).get('signal', 'KILL')}"]
        self.strike = None
        os.kill(os.getpid(), blow)


async def live(spec: dict[str, Any]) -> None:
    """One victim: run the engine until SIGTERM, or until the nursery is gone."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    db = Struck(spec["url"], spec.get("strike"), spec.get("report"))
    hands, eyes = Hands(spec["outside"]), Eyes(spec["outside"])
    engine = Engine(
        db, {Hands: hands, Eyes: eyes}, Library([]), parse_policy(POLICY), replica=spec["replica"],
        url="http://muster", lease_s=spec["lease_s"], poll_s=spec["poll_s"],
    )  # fmt: skip
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    nursery = os.getppid()
    await engine.start()
    while not stop.is_set() and os.getppid() == nursery:
        try:
            await asyncio.wait_for(stop.wait(), 1.0)
        except TimeoutError:
            continue
    await engine.stop(grace_s=spec.get("grace_s", 2.0))
    await db.close()


def _birth(spec: dict[str, Any]) -> int:
    lives = importlib.import_module(spec["lives"]).live if "lives" in spec else live  # imported here, once for all
    child = os.fork()
    if child:
        return child
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        asyncio.run(lives(spec))
    except BaseException:  # noqa: BLE001
        structlog.get_logger().exception("victim.fault", id=spec["id"])
        os._exit(3)
    os._exit(0)


def nursery() -> None:
    """Fork what is asked for, say who has ended. Ends with its standard input, and its children with it."""
    born: dict[int, str] = {}
    awake, knock = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(knock, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(knock)
    text = b""
    while True:
        ready, _, _ = select.select([0, awake], [], [])
        if awake in ready:
            os.read(awake, 4096)
        while born and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _say(id=born.pop(ended[0]), status=os.waitstatus_to_exitcode(ended[1]))
        if 0 in ready:
            more = os.read(0, 65536)
            if not more:
                break
            *lines, text = (text + more).split(b"\n")
            for line in lines:
                spec = json.loads(line)
                pid = _birth(spec)
                born[pid] = spec["id"]
                _say(id=spec["id"], pid=pid)
    for pid in born:
        os.kill(pid, signal.SIGKILL)


def _say(**words: Any) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    from playbooks.engine.load import load_stored
    from tests.crash.plays import PLAYS

    for play in PLAYS.values():  # read once, here, and not in every victim
        load_stored(play.text, "play.yaml")
    timeline.append = _noted
    nursery()
