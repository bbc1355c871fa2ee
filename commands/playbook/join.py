"""`/playbook join`: two accounts are one human and have one vote; takes an administrator and a second person."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.deciding import asked, mentioned
from commands.house import House
from commands.kinds import ME, Arg
from playbooks.engine.decisions import join_accounts
from playbooks.engine.decisions.join_accounts import Account
from storage.inbox import Ask


@command(
    "playbook join",
    group="Decide",
    fresh=True,
    examples=("playbook join @ben pagerduty:PX1A2B3", "playbook join @ben @benny"),
)
class Join(Command):
    """Say that an account is somebody's, so that both have one vote"""

    person: Annotated[str, Arg("person", "whose it is")]
    account: Annotated[str, Arg("account", "the account, a mention or such as pagerduty:PX1A2B3")]

    async def before(self, ask: Ask, house: House) -> None:
        """Look at both accounts now, as far as Slack knows them."""
        slack = [] if self.person == ME else [_full(ask, self.person)]
        kind, _, id = self.account.partition(":")
        slack += [_full(ask, id)] if kind == "slack" else []
        others = [("slack", one) for one in slack]
        await house.directory.refresh_for_vote(house.policy, (), (ask.account_kind, ask.account), others)

    def act(self, call: Call, seen: None) -> Reply:
        """Asking is a yes of whoever may be one of the two."""
        kind, _, id = self.account.partition(":")
        account = Account(kind, _full(call.ask, id) if kind == "slack" else id)
        made = join_accounts.ask(
            call.tx, call.house.engine.house, person=mentioned(call, self.person), account=account, asked_by=call.person
        )
        return asked(call, made)


def _full(ask: Ask, id: str) -> str:
    """ "U1" as an account of the workspace that asks."""
    return id if "/" in id else f"{ask.account.rpartition('/')[0]}/{id}"
