"""`/playbook revoke`: take one's own approval back."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, chosen, proof, reply
from playbooks.engine.requests import revoke


@command(
    "playbook revoke", who="anyone", group="Approve", place="here", examples=("playbook revoke INC-42/2 wrong zone",)
)
class Revoke(OfRun):
    """Take your approval back; after the start it asks the run to stop"""

    reason: Annotated[str, Arg("rest", "why")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Before the start it no longer counts."""
        run = chosen(call, self.run)
        said = revoke(call.tx, call.house.engine, run=run.id, actor=call.actor, via=proof(call.ask), reason=self.reason)
        return reply(said)
