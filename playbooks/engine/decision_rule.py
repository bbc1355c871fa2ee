"""Whose word counts on a decision, and whether it is enough. Pure functions over what rows say of people.

Belongs here: the rule and the count. Does not belong here: rows (deciding.py), the rules of one slot and one person
(approvals.py: this turns a decision's rule into one of those and asks).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import rfc8785

from playbooks.engine import approvals as rules
from playbooks.engine.approvals import Candidates, Eligibility, Tally
from playbooks.policy import ApprovalRule
from storage.decisions import Decision, DecisionVote
from storage.people import Voter


@dataclass(frozen=True)
class DecisionRule:
    """Who must agree. people: distinct humans; groups: (group, how many) of them; from_: who is eligible at all.

    asker_counts: who asked is one of the people; admin: one of them is an administrator (`permissions.administer`);
    expires_s: how long it stays open, in seconds; barred: persons whom it is about and whose word does not count;
    mfa: a yes takes a one-time code. The last four are filled in from the policy when it is proposed, so that an open
    decision keeps its rule.
    """

    people: int
    groups: tuple[tuple[str, int], ...] = ()
    from_: tuple[str, ...] = ("everyone",)
    asker_counts: bool = False
    admin: bool = False
    expires_s: float = 86_400.0
    barred: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    member_age_s: float | None = None
    directory_max_age_s: float | None = None
    mfa: bool = False

    def __post_init__(self) -> None:
        if self.people < (2 if self.asker_counts else 1) or self.expires_s <= 0:
            raise ValueError("a decision takes somebody besides who asked, and time")

    def as_json(self) -> dict[str, Any]:
        """As it is stored and bound into the digest."""
        return {**asdict(self), "groups": [list(slot) for slot in self.groups],
                "from_": list(self.from_), "barred": list(self.barred), "admins": list(self.admins)}  # fmt: skip

    @classmethod
    def of(cls, decision: Decision) -> DecisionRule:
        """The rule a decision was opened under."""
        said = decision.rule
        lists = {name: tuple(said[name]) for name in ("from_", "barred", "admins")}
        return cls(**{**said, **lists, "groups": tuple((group, number) for group, number in said["groups"])})

    @property
    def asks_groups(self) -> list[str]:
        """Every group whose members matter."""
        return list(dict.fromkeys([*(group for group, _ in self.groups), *self.from_, *self.admins]))

    def as_approval(self) -> ApprovalRule:
        """The same as a rule for approvals: slots and eligibility are counted by those."""
        known = {"member_age_s": self.member_age_s, "directory_max_age_s": self.directory_max_age_s}
        return ApprovalRule(
            people=self.people, groups=self.groups, from_=self.from_, expires_s=self.expires_s, page_missing=False,
            **{name: value for name, value in known.items() if value is not None},
        )  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """Where a decision stands. agreed: eligible people who said yes, in order; tally: slots and who was dropped."""

    tally: Tally
    agreed: tuple[str, ...]
    admin_missing: bool

    @property
    def enough(self) -> bool:
        """Everybody it takes has agreed."""
        return self.tally.satisfied and not self.admin_missing


def digest_of(kind: str, subject: str, body: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the RFC 8785 form of what people agree to."""
    return hashlib.sha256(rfc8785.dumps({"kind": kind, "subject": subject, "body": dict(body), **about})).hexdigest()


def barred_of(rule: DecisionRule, asked_by: str | None) -> dict[str, str]:
    """Persons whose yes never counts -> why: requester or about."""
    found = dict.fromkeys(rule.barred, "about")
    if asked_by is not None and not rule.asker_counts:
        found[asked_by] = "requester"
    return found


def eligible(rule: DecisionRule, barred: Mapping[str, str], voter: Voter, now: datetime) -> Eligibility:
    """Whether this person's word counts now."""
    verdict = rules.eligible(rule.as_approval(), barred, voter, now)
    if verdict.code == "barred":
        why = "You asked for this" if barred[voter.person] == "requester" else "This is about you"
        return Eligibility(False, f"{why}, so your word does not count.", "barred")
    return verdict


def standing(
    rule: DecisionRule,
    barred: Mapping[str, str],
    votes: Sequence[DecisionVote],
    known: Mapping[str, Voter],
    now: datetime,
    *,
    showing: bool = False,
) -> Standing:
    """Count, each person checked again now. showing: for a card, whatever the age of what is believed.

    Any set of people that fills slots can be made to hold any one eligible person, so an administrator among those who
    agreed is enough, whether or not the shown assignment has them in a slot.
    """
    found = rules.tally(rule.as_approval(), votes, known, barred=barred, now=now, showing=showing)
    agreed = tuple(vote.person for vote in votes if vote.person in (*found.counted, *found.spare))
    admins = [one for one in agreed if _administers(rule, known[one], now, showing)]
    return Standing(found, agreed, rule.admin and not admins)


def who_can(rule: DecisionRule, barred: Mapping[str, str], members: Sequence[Voter], now: datetime) -> Candidates:
    """Who could decide now."""
    found = rules.who_can(rule.as_approval(), barred, members, (), now)
    if found.reachable and rule.admin and not any(_administers(rule, one, now, True) for one in found.eligible):
        groups = rules.join([f"`@{group}`" for group in rule.admins], "or")
        why = f"It takes an administrator (policy `permissions.administer`: {groups}), and none is known who could."
        return Candidates(found.eligible, found.on_call, False, why)
    return found


def _administers(rule: DecisionRule, voter: Voter, now: datetime, showing: bool) -> bool:
    one = rule.as_approval().model_copy(update={"people": 1, "groups": (), "from_": rule.admins})
    if showing:
        one = one.model_copy(update={"directory_max_age_s": float("inf")})
    return bool(rule.admins) and rules.eligible(one, {}, voter, now).ok
