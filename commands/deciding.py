"""Before a word on a decision: look at who speaks, at those who spoke, and at the groups of its rule.

Belongs here: which those are, and the base of those commands. Does not belong here: looking (playbooks/directory.py),
counting (playbooks/engine).
"""

from __future__ import annotations

from typing import Annotated

from commands.command import Command
from commands.house import House
from commands.kinds import Arg
from playbooks.engine.deciding import DecisionRule
from storage import decisions
from storage.db import Tx
from storage.inbox import Ask


class OfDecision(Command):
    """Base of commands about one decision."""

    decision: Annotated[str, Arg("decision", "its number, such as D-7")]
    digest: Annotated[str, Arg("digest", "what the card was bound to", keyed=True)] = ""

    async def before(self, ask: Ask, house: House) -> None:
        """Look at people now: words are counted on rows."""
        groups, others = await house.db.read(lambda tx: _about(tx, self.decision))
        await house.directory.refresh_for_vote(house.policy, groups, (ask.account_kind, ask.account), others)


def _about(tx: Tx, id: str) -> tuple[list[str], list[tuple[str, str]]]:
    asked = decisions.get(tx, id)
    if asked is None:
        return [], []
    voters = [(vote.account_kind, vote.account_id) for vote in decisions.votes_on(tx, id)]
    return DecisionRule.of(asked).asks_groups, voters
