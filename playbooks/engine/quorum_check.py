"""Whether every quorum that policy and playbooks ask for could be reached at all by the people known now.

Belongs here: which rules there are and asking `who_can` for each, on rows. Does not belong here: counting
(approvals.py), telling anybody (commands/timers/quorum_check.py, bot/doctor.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from playbooks.action import Risk, find
from playbooks.engine.approvals import Candidates
from playbooks.engine.model import Playbook
from playbooks.engine.quorum import candidates
from playbooks.policy import ApprovalRule, Policy
from storage import people
from storage.db import Tx


@dataclass(frozen=True)
class Quorum:
    """One rule with who could meet it. code: machine words, such as "irreversible" or "failover/x#2"."""

    code: str
    what: str
    rule: ApprovalRule
    able: Candidates


def quorums(tx: Tx, policy: Policy, playbooks: Iterable[Playbook] = ()) -> list[Quorum]:
    """Every different rule once, the policy's own first; nobody is left out as whoever asked."""
    found: dict[tuple[object, ...], Quorum] = {}
    for code, what, rule in _rules(policy, playbooks):
        key = (rule.people, rule.groups, rule.from_, rule.member_age_s)
        if rule.needed and key not in found:
            found[key] = Quorum(code, what, rule, candidates(tx, rule, {}))
    return list(found.values())


def _rules(policy: Policy, playbooks: Iterable[Playbook]) -> Iterator[tuple[str, str, ApprovalRule]]:
    yield "irreversible", "what cannot be undone", policy.rule_for(Risk.IRREVERSIBLE)
    yield "recoverable", "what can be undone", policy.rule_for(Risk.RECOVERABLE)
    for playbook in playbooks:
        for number, step in enumerate(playbook.steps, 1):
            action = find(step.uses)
            if step.approvals and action is not None and action.risk.destructive:
                code = f"{playbook.name}#{number}"
                yield code, f"step {number} of {playbook.name}", policy.rule_for(action.risk, step.approvals)


def unreachable(tx: Tx, policy: Policy, playbooks: Iterable[Playbook] = ()) -> list[Quorum]:
    """Those that the people known now cannot meet, whoever asks."""
    return [one for one in quorums(tx, policy, playbooks) if not one.able.reachable]


def administrators(tx: Tx, policy: Policy) -> list[str]:
    """Persons in a `permissions.administer` group with a full member's account."""
    return [one.person for one in people.voters(tx, policy.permissions.administer) if one.state == people.MEMBER]
