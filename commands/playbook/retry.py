"""`/playbook retry`: try a failed step again, also of a run that ended incomplete; a destructive one asks again."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, chosen, reply
from commands.timers import settle
from playbooks.engine import requests


@command("playbook retry", who="run", group="Run", place="here", examples=("playbook retry INC-42/2",))
class Retry(OfRun):
    """Try a failed step again; a destructive one asks for approval again"""

    step: Annotated[str, Arg("word", "its number or id, when it is not clear", keyed=True)] = ""
    reason: Annotated[str, Arg("rest", "why")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Whoever presses it is a requester of that attempt."""
        run = chosen(call, self.run, ("paused", "incomplete"), "is paused or ended with a failed step")
        said = requests.retry(
            call.tx, call.house.engine, run=run.id, actor=call.actor, reason=self.reason, step=self.step or None
        )
        if not run.shown:  # no card tells how it goes
            settle.arm(call.tx, run.id, asked=call.ask.key)
        return reply(said)
