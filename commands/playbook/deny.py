"""`/playbook deny`: one person's no, which stops it."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.runs import OfRun, pressed_on, proof, reply, waiting
from commands.voting import refresh
from playbooks.engine.requests import vote
from storage.inbox import Ask


@command(
    "playbook deny",
    who="anyone",
    group="Approve",
    fresh=True,
    place="here",
    examples=("playbook deny INC-42/2 the replica is behind",),
)
class Deny(OfRun):
    """Deny the step a run waits for, with the reason"""

    digest: Annotated[str, Arg("digest", "what the card was bound to")] = ""
    reason: Annotated[str, Arg("rest", "why not")] = ""

    async def before(self, ask: Ask, house: House) -> None:
        """Look at the voter and the rule's groups now."""
        await refresh(ask, house, self.run)

    def act(self, call: Call, seen: None) -> Reply:
        """Nothing starts; the run pauses."""
        run = waiting(call, self.run)
        said = vote(
            call.tx, call.house.engine, run=run.id, digest=self.digest or None, actor=call.actor, choice="deny",
            via=proof(call.ask), reason=self.reason,
            pressed=pressed_on(call.ask),
        )  # fmt: skip
        return reply(said)
