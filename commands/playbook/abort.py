"""`/playbook abort`: end a run: what has not begun will not."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, chosen, reply
from playbooks.engine import requests


@command(
    "playbook abort", who="everyone", group="Run", place="here", examples=("playbook abort INC-42/2 wrong service",)
)
class Abort(OfRun):
    """End a run: what has not begun will not"""

    reason: Annotated[str, Arg("rest", "why")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Needs no approval; what was done stays done and is named."""
        run = chosen(call, self.run)
        said = requests.abort(call.tx, call.house.engine, run=run.id, actor=call.actor, reason=self.reason)
        return reply(said)
