"""The doctor's look at who approves: whether the file's sections rule, and whether every quorum could be reached.

Belongs here: these findings. Does not belong here: the other looks (doctor.py), the daily check (commands/timers).
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.finding import Finding, ok
from playbooks.action import Risk
from playbooks.engine.decisions.policy import KIND
from playbooks.engine.model import Playbook
from playbooks.engine.policy_change import as_read, ruled_by
from playbooks.engine.quorum import candidates
from playbooks.engine.quorum_check import unreachable
from playbooks.policy import Policy
from storage import decisions, policies
from storage.db import Tx
from storage.decisions import OPEN

WHAT = "Policy in force"
NAMED = "approvals, groups, people and permissions"


def rules(tx: Tx, policy: Policy) -> tuple[Policy, Finding]:
    """The policy that rules, and whether that is this file's."""
    digest, ruling = policy.digest(), policies.active(tx)
    if ruling is None:
        return policy, ok(WHAT, f"none yet; the first start adopts this file's {NAMED}")
    ruling = as_read(policy, ruling)  # as the next start will
    if ruling.digest == digest:
        return policy, ok(WHAT, f"{NAMED} are this file's")
    waits = [one.id for one in decisions.of_subject(tx, KIND, digest) if one.state == OPEN]
    denied = [one.id for one in decisions.of_subject(tx, KIND, digest) if one.state == "denied"]
    if waits:
        how = f"they are proposed and wait for people: `/playbook confirm {waits[-1]}`"
    elif denied:
        how = f"they were rejected ({denied[-1]}); `muster policy propose` asks again"
    else:
        how = "the next start proposes them"
    words = f"{NAMED} of this file do not rule: {how}. `muster policy` shows the difference."
    return ruled_by(policy, ruling.sections), Finding(WHAT, "warning", words)


def reached(tx: Tx, policy: Policy, playbooks: Iterable[Playbook]) -> list[Finding]:
    """For every service, then for every other rule: could it be approved by the people known now?"""
    found = [_service(tx, policy, name) for name in policy.services]
    others = [one for one in unreachable(tx, policy, playbooks) if one.code != "irreversible" or not found]
    return [*found, *(Finding("Quorum", "warning", f"{one.what}: {one.able.why_not}") for one in others)]


def _service(tx: Tx, policy: Policy, name: str) -> Finding:
    service = policy.services[name]
    rule = policy.rule_for(Risk.IRREVERSIBLE, service=service, site=policy.site_of(service))
    able = candidates(tx, rule, {}, service.pagerduty.escalation_policy)
    people = ", ".join(voter.name for voter in able.eligible[:6]) or "nobody"
    if not able.reachable:
        return Finding(f"Quorum of {name}", "warning", able.why_not)
    if len(able.eligible) <= rule.people:
        spare = f"{people} can, but only if none of them asks: add people to {', '.join(rule.from_)}"
        return Finding(f"Quorum of {name}", "warning", spare)
    return ok(f"Quorum of {name}", f"{rule.people} of {people}")
