"""`/playbook confirm`: one person's yes to what needs a second person and is no step of a run."""

from __future__ import annotations

from typing import Annotated, ClassVar

from commands.command import Call, Reply, command
from commands.deciding import OfDecision
from commands.kinds import Arg
from commands.runs import pressed_on, proof, reply
from playbooks.engine import deciding


@command(
    "playbook confirm",
    who="anyone",  # the engine decides who counts, and records whoever tried
    group="Decide",
    fresh=True,
    examples=("playbook confirm D-7",),
)
class Confirm(OfDecision):
    """Confirm a change that takes two people"""

    proves: ClassVar[bool] = True

    code: Annotated[str, Arg("code", "your one-time code, where the rule asks for one", keyed=True)] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Counted or refused, it is on the timeline."""
        said = deciding.vote(
            call.tx, call.house.engine.house, decision=self.decision, digest=self.digest or None, actor=call.actor,
            choice="approve", via=proof(call.ask), pressed=pressed_on(call.ask), proof=self.code, ask=call.ask.key,
        )  # fmt: skip
        return reply(said)
