"""`/playbook accept`: let stay what a step changed."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, left_over, reply
from playbooks.engine import leftovers


@command(
    "playbook accept", who="run", group="Run", place="here", examples=("playbook accept INC-42/2 step=1 it was leaked",)
)
class Accept(OfRun):
    """Let stay what a step changed: it is left over no more"""

    step: Annotated[str, Arg("word", "its number or id, when it is not clear", keyed=True)] = ""
    reason: Annotated[str, Arg("rest", "why it stays")]

    def act(self, call: Call, seen: None) -> Reply:
        """On the record, with who let it stay."""
        run = left_over(call, self.run)
        return reply(
            leftovers.accept(
                call.tx, call.house.policy, run=run.id, actor=call.actor, reason=self.reason, step=self.step or None
            )
        )
