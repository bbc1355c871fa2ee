"""A whole Muster that brings a journal home and is killed at one moment of it: forked by the nursery (victim.py).

A spec: lives (this module), id, replica, url, env (of the stand-ins), journal, and strike, one of MOMENTS, or "".
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bot import app, cli, importing, worker
from bot.settings import Settings
from playbooks.engine.engine import Engine
from storage import journal
from storage.db import Database, Tx, Work
from storage.journal import Journal, Line

MOMENTS = ("stored after", "handled before", "handled after", "marked torn")
"""Its ask is stored; its incident is made, and not committed, or committed; half of the line that says so is written."""


class Struck(Database):
    """A database whose process is killed at one commit."""

    def __init__(self, url: str, *, strike: str) -> None:
        super().__init__(url, pool=4)
        self.strike = strike

    async def _write_once(self, work: Work[Any], door: bool = False) -> tuple[Any, set[str]]:
        moment: list[str] = []

        def noted(tx: Tx) -> Any:
            result = work(tx)
            moment[:] = [tx.__dict__.get("moment", "")]
            if self.strike == f"{moment[0]} before":
                _fall()
            return result

        got = await super()._write_once(noted, door)
        if self.strike == f"{moment[0]} after":
            _fall()
        return got


def _fall() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _named(real: Callable[..., Any], moment: str) -> Callable[..., Any]:
    """The same function, which notes on its transaction what it does."""

    def noted(tx: Tx, *given: Any) -> Any:
        tx.__dict__["moment"] = moment
        return real(tx, *given)

    return noted


def _torn(real: Callable[..., Line]) -> Callable[..., Line]:
    """Journal.write that dies in the middle of the line that says "imported"."""

    def write(self: Journal, type: str, *given: Any) -> Line:
        if type == "imported":
            with self.path.open("ab") as file:
                file.write(b'{"format": 1, "seq": 6, "at": "20')
                file.flush()
                os.fsync(file.fileno())
            _fall()
        return real(self, type, *given)

    return write


async def live(spec: dict[str, Any]) -> None:
    """One victim: everything a worker is, with short leases, until SIGTERM."""
    os.environ.update(spec["env"])
    cli.logs("critical")  # on standard error: standard output is the nursery's
    strike, wiring, bringing = spec["strike"], vars(app), vars(importing)
    wiring["Database"] = partial(Struck, strike=strike)
    wiring["Engine"] = partial(Engine, lease_s=1.0, poll_s=0.1)
    vars(worker)["LEASE_S"] = 1.0
    bringing["_store"] = _named(bringing["_store"], "stored")
    vars(journal)["record"] = _named(journal.record, "handled")
    if strike == "marked torn":
        setattr(Journal, "write", _torn(Journal.write))
    settings = Settings.of(
        spec["env"], database_url=spec["url"], muster_journal=Path(spec["journal"]), muster_port=0,
        muster_config=cli.EXAMPLE, muster_replica=spec["replica"],
    )  # fmt: skip
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await cli.run(app.build(settings), ("worker",), ended)
