"""Decision `confirm-member`: two current approvers of a group vouch for somebody who joined it lately.

Belongs here: asking for it and writing it down. Does not belong here: how young a member is too young (approvals.py).
Neither the new member nor who added them is one of the two.
"""

from __future__ import annotations

from playbooks.engine.deciding import DecisionRule, handler, propose
from playbooks.engine.held import House
from playbooks.errors import Refused
from storage import people
from storage.db import Tx
from storage.decisions import Decision
from storage.people import Membership
from storage.timeline import ORG
from storage.types import iso

KIND = "confirm-member"
OPEN_FOR_S = 24 * 3600.0


def ask(tx: Tx, house: House, *, person: str, group: str, asked_by: str) -> Decision:
    """Ask for the member to count at once. Raises Refused where there is nothing to confirm."""
    house.policy.group(group)
    found = _membership(tx, person, group)
    name = people.name(tx, person)
    if found.confirmed:
        raise Refused(f"{name} counts in `@{group}` already.")
    body = {
        "person": person, "group": group, "added_at": iso(found.added_at),
        "title": f"Confirm {name} as an approver in @{group}",
        "shown": f"• Joined @{group} at {found.added_at:%d %b %H:%M} UTC ({found.source}).\n"
        f"• Once confirmed, {name}'s approvals count at once.",
    }  # fmt: skip
    barred = tuple(one for one in (person, found.added_by) if one)
    rule = DecisionRule(people=2, from_=(group,), asker_counts=True, barred=barred, expires_s=OPEN_FOR_S)
    return propose(
        tx, house, kind=KIND, subject=f"{person}/{group}", body=body, stream=ORG, asked_by=asked_by, rule=rule
    )


def _membership(tx: Tx, person: str, group: str) -> Membership:
    mine = people.voters_by_id(tx, [person])[person].memberships
    found = next((one for one in mine if one.group == group and one.for_voting), None)
    if found is None:
        raise Refused(f"{people.name(tx, person)} is not in `@{group}`, as far as Muster knows.")
    return found


@handler(KIND)
def confirm(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """The member counts from now on. Who left and came back meanwhile is somebody new."""
    person, group = decision.body["person"], decision.body["group"]
    found = _membership(tx, person, group)
    if iso(found.added_at) != decision.body["added_at"]:
        raise Refused(f"{people.name(tx, person)} left `@{group}` and joined it again since.", todo="Ask for it anew.")
    people.confirm(tx, group, person, decision=decision.id, by=by)
    return f"✅ {people.name(tx, person)}'s approvals count in `@{group}` from now on."
