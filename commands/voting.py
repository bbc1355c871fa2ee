"""Before a vote: look at who votes and at the groups of the rule, so that rows say what is true now.

Belongs here: which groups those are. Does not belong here: looking (directory.py), counting (playbooks/engine).
"""

from __future__ import annotations

from collections.abc import Sequence

from commands.house import House
from storage import incidents, runs
from storage.db import Tx
from storage.inbox import Ask


async def refresh(ask: Ask, house: House, said: str, more: Sequence[str] = ()) -> None:
    """Refresh the voter's account and the groups of the rules that may be meant. Bounded; an outage changes nothing.

    more: other groups that matter for what is asked.
    """
    groups, voters = await house.db.read(lambda tx: _asked(tx, ask, said))
    groups = list(dict.fromkeys([*groups, *more]))
    await house.directory.refresh_for_vote(house.policy, groups, (ask.account_kind, ask.account), voters)


def _asked(tx: Tx, ask: Ask, said: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The groups of the rules that may be meant, and the accounts that voted already: they are counted again now."""
    here = incidents.by_channel(tx, ask.channel) if ask.channel else None
    if said.startswith("/") and here:
        said = f"{here.id}{said}"
    names = (
        [said]
        if said and not said.startswith("/")
        else [run.id for run in runs.of_incident(tx, here.id)]
        if here
        else []
    )
    found: list[str] = []
    voters: list[tuple[str, str]] = []
    for name in names:
        asked = runs.open_approval(tx, name)
        if asked is not None:
            rule = asked.rule
            voters += [(vote.account_kind, vote.account_id) for vote in runs.votes_on(tx, asked.id)]
            found += [
                *rule.get("from_", ()),
                *(slot[0] for slot in rule.get("groups", ())),
                *rule.get("next_groups", ()),
            ]
    return list(dict.fromkeys(found)), voters
