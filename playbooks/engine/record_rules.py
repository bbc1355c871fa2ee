"""Who decides on the record: redacting, erasing, holding, escrow, auditors. One rule for each, in one place.

Belongs here: those rules and the refusal of the record in the engine's words. Does not belong here: counting
(decision_rule.py), doing it (decisions/<kind>.py). People of the groups that approve destructive steps decide; where
the policy names none (`everyone`), every full member may be the second person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from playbooks.engine.deciding import DecisionRule
from playbooks.engine.held import House
from playbooks.errors import Refused
from storage.incident_rows import Impossible
from storage.sealing import Seal

T = TypeVar("T")
OPEN_FOR_S = 72 * 3600.0  # a long weekend


def two_people(house: House) -> DecisionRule:
    """Two people who may approve; who asked may be one of them."""
    return DecisionRule(people=2, from_=house.policy.approvals.from_, asker_counts=True, expires_s=OPEN_FOR_S)


def administrator_and_one(house: House, *about: str) -> DecisionRule:
    """Two full members, one of them an administrator; nobody whom it is about."""
    return DecisionRule(people=2, asker_counts=True, admin=True, barred=about, expires_s=OPEN_FOR_S)


def seal_of(house: House) -> Seal | None:
    """What MUSTER_KEY seals with on this replica."""
    found = house.tools.get(Seal)
    return found if isinstance(found, Seal) else None


def now(work: Callable[[], T]) -> T:
    """What the record refuses is refused in the engine's words: the yes is kept, nothing is done."""
    try:
        return work()
    except Impossible as no:
        raise Refused(no.message, todo=no.todo) from None
