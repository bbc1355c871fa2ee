"""A replica whose own clock is wrong: `python -m tests.playbooks.engine.skewed` with the database and SKEW_S given.

Everything of the product that asks this process for the time gets it SKEW_S seconds off. Lines of JSON on standard input
say what to do (start, stop, vote); each is answered by one line. Does not belong here: any assertion (test_clocks.py).
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import sys
import time
from typing import Any

from playbooks.engine import inputs
from playbooks.engine.requests import vote
from playbooks.policy import parse_policy
from storage.db import Database
from tests.playbooks.engine.conftest import POLICY, OutsideReads, Stage

REAL, OWN = datetime.datetime, ("bot", "commands", "playbooks", "storage")


class _Like(type(REAL)):  # type: ignore[misc]
    """What is a real time counts as one of these too."""

    def __instancecheck__(cls, given: Any) -> bool:
        return isinstance(given, REAL)


def skew(seconds: float) -> None:
    """Set this process's clock off, for every module of the product, whichever way it asks."""
    off, real_time = datetime.timedelta(seconds=seconds), time.time

    class Skewed(REAL, metaclass=_Like):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return REAL.now(tz) + off

    time.time = lambda: real_time() + seconds
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OWN and getattr(module, "datetime", None) is REAL:
            module.datetime = Skewed  # type: ignore[attr-defined]


async def main() -> None:
    """One replica, until its standard input ends."""
    given = json.loads(os.environ["REPLICA"])
    skew(float(os.environ["SKEW_S"]))
    stage = Stage(Database(given["url"], pool=3), parse_policy(POLICY), OutsideReads(), persons=given["persons"])
    engine = stage.engine(given["name"])
    # `inputs` asks for the time as every other module does.
    print(json.dumps({"now": inputs.datetime.now(datetime.UTC).isoformat()}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await obey(stage, engine, json.loads(line))), flush=True)
    await engine.stop(grace_s=1.0)
    await stage.db.close()


async def obey(stage: Stage, engine: Any, said: dict[str, Any]) -> dict[str, Any]:
    """Do one thing, and say what came of it."""
    if said["do"] == "start":
        await engine.start()
    elif said["do"] == "stop":
        await engine.stop(grace_s=1.0)
    elif said["do"] == "vote":
        actor = stage.actor(said["who"])
        told = await stage.db.write(
            lambda tx: vote(tx, engine, run=said["run"], digest=None, actor=actor, choice="approve", via="test")
        )
        return {"ok": told.ok, "text": told.text}
    return {"effects": stage.outside.effects}


if __name__ == "__main__":
    asyncio.run(main())
