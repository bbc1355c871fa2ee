"""`/playbook reject`: one person's no to what needs a second person, which ends it."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.deciding import OfDecision
from commands.kinds import Arg
from commands.runs import pressed_on, proof, reply
from playbooks.engine import deciding


@command(
    "playbook reject",
    who="anyone",
    group="Decide",
    fresh=True,
    examples=("playbook reject D-7 nobody asked for this",),
)
class Reject(OfDecision):
    """Reject a change that takes two people, with the reason"""

    reason: Annotated[str, Arg("rest", "why not")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Nothing is changed."""
        said = deciding.vote(
            call.tx, call.house.engine.house, decision=self.decision, digest=self.digest or None, actor=call.actor,
            choice="deny", via=proof(call.ask), reason=self.reason, pressed=pressed_on(call.ask),
        )  # fmt: skip
        return reply(said)
