"""The quorum of one approval, read from rows: who voted, who still counts, who could.

Belongs here: handing rows to the pure rules (approvals.py). Does not belong here: any rule, any writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from playbooks.engine.approvals import Candidates, Tally, tally, who_can
from playbooks.policy import ApprovalRule, Policy
from storage import people, runs
from storage.db import Tx
from storage.people import Voter
from storage.runs import Approval, Run


def rule_of(asked: Approval) -> ApprovalRule:
    """The rule that counts for this approval: as it was when asked, less what broken glass sets aside."""
    rule = ApprovalRule.model_validate(asked.rule)
    if asked.mode != "break-glass" or not asked.overrides:
        return rule
    return rule.broken(asked.overrides["rules"], tuple(asked.overrides["who"]))


def groups_of(rule: ApprovalRule) -> list[str]:
    """Every group whose members matter for this rule."""
    named = [*(group for group, _ in rule.groups), *rule.from_, *rule.next_groups]
    return [group for group in dict.fromkeys(named) if group != people.EVERYONE]


def count(tx: Tx, asked: Approval, *, showing: bool = False) -> Tally:
    """Where the votes stand now, each person checked again on rows. showing: for a card, whatever the age of belief."""
    votes = runs.votes_on(tx, asked.id)
    using = {vote.person: (vote.account_kind, vote.account_id) for vote in votes}
    found = people.voters_by_id(tx, [vote.person for vote in votes], using)
    known = {person: believed(tx, rule_of(asked), voter, using[person][0]) for person, voter in found.items()}
    return tally(rule_of(asked), votes, known, barred=asked.barred, now=tx.now, showing=showing)


def believed(tx: Tx, rule: ApprovalRule, voter: Voter, kind: str) -> Voter:
    """What is believed of a voter. Through an enrolled terminal (kind "cli"; each yes there is proved by a code), what
    Slack said last is believed for `unreachable_max_age` where the last look at it failed: only then, only that."""
    if kind != people.CLI:
        return voter
    oldest = tx.now - timedelta(seconds=rule.unreachable_max_age_s)
    mine = people.accounts_of(tx, voter.person, "slack")
    blind = bool(mine) and people.refresh_error(tx, f"account:slack:{mine[0].id}") is not None
    at = voter.believed_at
    return replace(
        voter,
        believed_at=tx.now if blind and at is not None and at >= oldest else at,
        memberships=tuple(
            replace(one, seen_at=tx.now)
            if one.seen_at >= oldest and people.refresh_error(tx, f"group:{one.group}") is not None
            else one
            for one in voter.memberships
        ),
    )


def candidates(tx: Tx, rule: ApprovalRule, barred: Mapping[str, str], on_call_policy: str | None = None) -> Candidates:
    """Who could approve now, those on call first."""
    found = people.voters(tx, [*rule.from_, *(group for group, _ in rule.groups)])
    on_call = [one.person for one in people.on_call(tx, on_call_policy)] if on_call_policy else []
    return who_can(rule, barred, found, on_call, tx.now)


def on_call_policy(policy: Policy, run: Run) -> str | None:
    """The escalation policy whose people are asked first: the service's."""
    service = policy.services.get(run.service) if run.service else None
    return service.pagerduty.escalation_policy if service else None


def slack_id(tx: Tx, person: str) -> str | None:
    """The bare Slack id of a person's best account."""
    found = people.accounts_of(tx, person, "slack")
    return found[0].id.rpartition("/")[2] if found else None
