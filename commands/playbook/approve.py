"""`/playbook approve`: one person's yes."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.runs import OfRun, pressed_on, proof, reply, waiting
from commands.voting import refresh
from playbooks.engine.requests import vote
from storage.inbox import Ask


@command(
    "playbook approve",
    who="anyone",  # the engine decides who counts, and records whoever tried
    group="Approve",
    fresh=True,
    place="here",
    examples=("playbook approve", "playbook approve INC-42/2", "playbook approve code=123456"),
)
class Approve(OfRun):
    """Approve the step a run waits for"""

    proves: ClassVar[bool] = True
    digest: Annotated[str, Arg("digest", "what the card was bound to")] = ""
    code: Annotated[str, Arg("code", "the six digits of your app, where the rule asks for them", keyed=True)] = ""

    async def before(self, ask: Ask, house: House) -> Any:
        """Look at the voter and the rule's groups now: votes are decided on rows."""
        await refresh(ask, house, self.run)

    def act(self, call: Call, seen: None) -> Reply:
        """Counted or refused, it is on the timeline."""
        run = waiting(call, self.run)
        said = vote(
            call.tx, call.house.engine, run=run.id, digest=self.digest or None, actor=call.actor, choice="approve",
            via=proof(call.ask), pressed=pressed_on(call.ask),
            proof=self.code, ask=call.ask.key,
        )  # fmt: skip
        return reply(said)
