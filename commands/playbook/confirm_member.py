"""`/playbook confirm-member`: two approvers vouch for who joined their group lately, whose approval then counts."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.deciding import asked, mentioned
from commands.house import House
from commands.kinds import Arg
from playbooks.engine.decisions import confirm_member
from storage.inbox import Ask


@command("playbook confirm-member", group="Decide", fresh=True, examples=("playbook confirm-member @ben sre",))
class ConfirmMember(Command):
    """Vouch for a new member of a group, so that their approval counts at once"""

    person: Annotated[str, Arg("person", "who joined")]
    approvers: Annotated[str, Arg("word", "the group, by its name in the policy")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at the group now."""
        groups = [self.approvers.removeprefix("@")]
        await house.directory.refresh_for_vote(house.policy, groups, (ask.account_kind, ask.account))

    def act(self, call: Call, seen: None) -> Reply:
        """Asking is a yes of an approver of that group."""
        made = confirm_member.ask(
            call.tx, call.house.engine.house, person=mentioned(call, self.person),
            group=self.approvers.removeprefix("@"), asked_by=call.person,
        )  # fmt: skip
        return asked(call, made)
