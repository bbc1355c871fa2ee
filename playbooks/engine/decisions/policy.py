"""Decision `policy`: changed guarded sections (approvals, people, commands …) rule once the ruling ones' quorum agrees.

Belongs here: opening it for a proposed file, and activating it. Does not belong here: finding files and adopting the
first (storage/policies.py), reading the active row again in every process (bot/ruling.py).
"""

from __future__ import annotations

from playbooks.action import Risk
from playbooks.engine.deciding import DecisionRule, handler, propose, void
from playbooks.engine.held import House
from playbooks.engine.policy_change import changed_sections, difference, ruled_by
from playbooks.errors import Refused
from playbooks.policy_approvals import base_rule
from storage import decisions, policies
from storage.db import Tx
from storage.decisions import OPEN, Decision
from storage.policies import PROPOSED
from storage.timeline import ORG

KIND = "policy"
OPEN_FOR_S = 72 * 3600.0  # a long weekend: it waits for people, and nothing else waits for it


def ask(tx: Tx, house: House, digest: str, *, again: bool = False) -> Decision | None:
    """Ask for the proposed sections to rule: once for each proposal and ruling policy, however many processes ask.

    None: it rules already, or it was denied and nobody asks again (`again`). house.policy holds the ruling sections.
    Raises Refused for a digest nobody proposed, and for sections that this version cannot read.
    """
    policies.lock(tx)
    wanted, ruling = policies.get(tx, digest), policies.active(tx)
    if wanted is None or ruling is None:
        raise Refused(f"No policy with the digest {digest[:12]} was found in a file yet.")
    if wanted.state != PROPOSED:
        return None
    known = [one for one in decisions.of_subject(tx, KIND, digest) if one.body.get("active") == ruling.digest]
    if known and (known[-1].state == OPEN or (known[-1].state == "denied" and not again)):
        return known[-1] if known[-1].state == OPEN else None
    ruled_by(house.policy, wanted.sections)
    for other in decisions.open_of(tx, KIND):
        if other.body.get("active") != ruling.digest:
            void(tx, other, "the policy it was made against rules no more")
    names = changed_sections(ruling.sections, wanted.sections)
    lines = difference(ruling.sections, wanted.sections)
    body = {
        "active": ruling.digest, "proposed": digest, "title": f"Change who decides: policy {', '.join(names)}",
        "shown": "\n".join(f"• {line}" for line in lines),
    }  # fmt: skip
    return propose(tx, house, kind=KIND, subject=digest, body=body, stream=ORG, asked_by=None, rule=rule(house))


def rule(house: House) -> DecisionRule:
    """The ruling quorum of what cannot be undone."""
    found = base_rule(house.policy.approvals, Risk.IRREVERSIBLE)
    return DecisionRule(people=found.people, groups=found.groups, from_=found.from_, expires_s=OPEN_FOR_S)


@handler(KIND)
def activate(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """The proposed sections rule from now on. Proposals made against the former ones are void."""
    policies.lock(tx)
    ruling, wanted = policies.active(tx), policies.get(tx, decision.subject)
    if ruling is None or wanted is None or ruling.digest != decision.body["active"]:
        raise Refused("Another policy rules by now.", todo="`muster policy propose` asks against that one.")
    ruled_by(house.policy, wanted.sections)
    policies.activate(tx, wanted.digest, decision=decision.id, by=by)
    for other in decisions.open_of(tx, KIND):
        if other.id != decision.id:
            void(tx, other, f"{decision.id} changed the policy it was made against")
    return (
        f"✅ The policy's sections of {decision.id} rule from now on, in every process. "
        "Approvals that are open keep the rule they were asked under."
    )
