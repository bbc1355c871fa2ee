"""What the commands about decisions of two people share: looking at people first, who is meant, the answer to asking.

Belongs here: these helpers and the base of those about one decision. Does not belong here: looking
(playbooks/directory.py), counting (playbooks/engine).
"""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply
from commands.house import House
from commands.kinds import ME, NOBODY, Arg
from commands.words import clock, esc, lines
from playbooks.engine.deciding import DecisionRule, reachable, stands, title
from playbooks.errors import Refused
from storage import decisions
from storage.db import Tx
from storage.decisions import Decision
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


def mentioned(call: Call, said: str) -> str:
    """The person a mention means, or whoever asks. Raises Refused for an account nobody knows."""
    if said == ME:
        return call.person
    team = call.ask.account.rpartition("/")[0] if call.ask.account_kind == "slack" else ""
    found = call.house.directory.person_by_slack(call.tx, f"{team}/{said}" if team else said)
    if said == NOBODY or found is None:
        raise Refused("Muster does not know that account yet.", todo="Have them say anything to Muster once.")
    return found


def asked(call: Call, made: Decision) -> Reply:
    """What waits now, for whom, and how to answer."""
    now, able = stands(call.tx, made), reachable(call.tx, made)
    total = len(now.tally.slots)
    could = [one.name for one in able.eligible if one.person not in now.agreed][:6]
    who = f"{', '.join(esc(name) for name in could)} can." if could else ""
    return Reply(
        text=lines(
            f"⚖️ *{made.id}* {esc(title(made))}: {total - now.tally.missing} of {total} so far.",
            f"Until {clock(made.expires_at, call.tx.now)} UTC: `/playbook confirm {made.id}`. {who}",
            "" if able.reachable else f"⚠️ {esc(able.why_not)}",
        ),
        data={"decision": made.id},
    )
