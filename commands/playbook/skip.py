"""`/playbook skip`: go on without a step, with the reason."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, chosen, reply
from playbooks.engine import requests


@command("playbook skip", who="run", group="Run", place="here", examples=("playbook skip INC-42/2 checked by hand",))
class Skip(OfRun):
    """Go on without a step, with the reason"""

    step: Annotated[str, Arg("word", "its number or id, when it is not clear", keyed=True)] = ""
    reason: Annotated[str, Arg("rest", "why it is not needed")]

    def act(self, call: Call, seen: None) -> Reply:
        """The reason stays on the record."""
        run = chosen(call, self.run, ("paused", "waiting", "running"), "waits for a decision")
        said = requests.skip(
            call.tx, call.house.engine, run=run.id, actor=call.actor, reason=self.reason, step=self.step or None
        )
        return reply(said)
