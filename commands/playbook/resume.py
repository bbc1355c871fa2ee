"""`/playbook resume`: go on with a paused run."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, chosen, reply
from playbooks.engine import requests


@command("playbook resume", who="run", group="Run", place="here", examples=("playbook resume INC-42/2",))
class Resume(OfRun):
    """Go on with a paused run"""

    reason: Annotated[str, Arg("rest", "why")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Goes on where it stands."""
        run = chosen(call, self.run, ("paused",), "is paused")
        said = requests.resume(call.tx, call.house.engine, run=run.id, actor=call.actor, reason=self.reason)
        return reply(said)
