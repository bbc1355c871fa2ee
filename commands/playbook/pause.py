"""`/playbook pause`: start nothing new in a run; a step in flight is finished first."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, chosen, reply
from playbooks.engine import requests


@command("playbook pause", who="everyone", group="Run", place="here", examples=("playbook pause INC-42/2",))
class Pause(OfRun):
    """Start nothing new in a run; a step in flight is finished first"""

    reason: Annotated[str, Arg("rest", "why")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Needs no approval, only a person."""
        run = chosen(call, self.run, ("queued", "running", "waiting"), "is going on")
        said = requests.pause(call.tx, call.house.engine, run=run.id, actor=call.actor, reason=self.reason)
        return reply(said)
