"""The rules of approving: what a vote is bound to, whose vote counts, whether the quorum stands. Pure functions.

Belongs here: `digest`, `eligible`, `tally`, `who_can` and their words. Does not belong here: rows, the clock (`now` is
handed in and is database time), asking the directory, moving an approval from state to state (the engine).

One human fills one slot. Group slots first ask for their group; the rest of `people` may come from any `from` group.
Who is barred (asked for the run, edited its inputs, pressed retry) never counts, except that under
`requester: recoverable` at most one of at least two may be barred: somebody else always agreed. What one person may
decide alone (`requester: alone`: contain, or glass that was broken) is looked at by a second person afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import rfc8785

from playbooks.durations import words
from playbooks.policy_approvals import ApprovalRule
from storage.people import EVERYONE, MEMBER, Voter, why_no_vote

COVERS = frozenset({
    "playbook", "run", "steps", "site", "service", "incident", "kind", "mode", "overrides", "rule", "expires_at",
})  # fmt: skip
STEP = frozenset({"index", "id", "action", "version", "params", "targets", "effect"})
_EXACT = 2**53
_BARRED = {
    "requester": "You asked for this run, so your approval does not count",
    "editor": "You changed what this run was given, so your approval does not count",
    "retry": "You asked for this attempt, so your approval does not count",
}


class Ballot(Protocol):
    """What the rules read of a vote. choice: approve, deny or revoke; proof: beyond the account ("totp"), or None."""

    @property
    def person(self) -> str: ...

    @property
    def choice(self) -> str: ...

    @property
    def proof(self) -> str | None: ...


@dataclass(frozen=True)
class Eligibility:
    """Whether a vote counts. why: to that person, in words; code: barred, account, stale, group, new or proof."""

    ok: bool
    why: str = ""
    code: str = ""


_UNPROVEN = Eligibility(False, "Their yes came without the one-time code that the rule needs.", "proof")


@dataclass(frozen=True)
class Slot:
    """One place in the quorum. group: who may fill it, None: anyone of `from`; person: who does."""

    group: str | None
    person: str | None = None


@dataclass(frozen=True)
class Tally:
    """Where the votes stand. counted: people filling slots, in the order they voted; spare: eligible, but not needed.

    missing: open slots; missing_groups: the groups those may be filled from; dropped: voted, but does not count (any
    more), with the reason; denied: eligible people who said no.
    """

    counted: tuple[str, ...]
    spare: tuple[str, ...]
    missing: int
    missing_groups: tuple[str, ...]
    dropped: Mapping[str, Eligibility]
    denied: tuple[str, ...]
    slots: tuple[Slot, ...]

    @property
    def satisfied(self) -> bool:
        """Every slot is filled and nobody eligible said no."""
        return self.missing == 0 and not self.denied


@dataclass(frozen=True)
class Candidates:
    """Who could approve. on_call: those of them on call now; reachable: whether they can fill every slot."""

    eligible: tuple[Voter, ...]
    on_call: tuple[Voter, ...]
    reachable: bool
    why_not: str = ""


def digest(covers: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the RFC 8785 form of everything an approval is bound to.

    Raises ValueError when a field is missing or unknown: an approval never silently binds less than it says.
    """
    _exactly(covers, COVERS, "an approval")
    if not covers["steps"]:
        raise ValueError("an approval covers at least one step")
    for step in covers["steps"]:
        _exactly(step, STEP, "an approved step")
    return hashlib.sha256(rfc8785.dumps(_plain(covers))).hexdigest()


def short(digest: str) -> str:
    """`sha256:9f2c…e1`, as cards show it."""
    return f"sha256:{digest[:4]}…{digest[-2:]}"


def expired(now: datetime, expires_at: datetime) -> bool:
    """At the boundary it is over: an approval is good before its expiry, not at it. Database time only."""
    return now >= expires_at


def eligible(rule: ApprovalRule, barred: Mapping[str, str], voter: Voter, now: datetime) -> Eligibility:
    """Whether this person's vote counts now. barred: person -> requester, editor or retry."""
    if why := why_no_vote(voter.state):
        return Eligibility(False, f"{why} Approving needs a full member of the home workspace.", "account")
    if voter.person in barred and not _one_barred(rule):
        reason = _BARRED.get(barred[voter.person], _BARRED["requester"])
        return Eligibility(False, f"{reason} (policy `approvals.requester: {rule.requester}`).", "barred")
    if _stale(voter.believed_at, rule, now):
        return Eligibility(False, _stale_words(voter.believed_at, rule), "stale")
    return _in_group(rule, barred, voter, now)


def tally(
    rule: ApprovalRule,
    votes: Iterable[Ballot],
    people: Mapping[str, Voter],
    *,
    barred: Mapping[str, str],
    now: datetime,
    showing: bool = False,
) -> Tally:
    """Count votes by distinct people, each checked again now. A person nothing is known of does not count.

    showing: for a card, where the age of what is believed does not matter; a vote and a start look again first.

    Who said no is not also counted as yes. The order of votes decides who is shown as counted, never whether it does.
    """
    rule = _ageless(rule) if showing else rule
    choices: dict[str, set[str]] = {}
    unproven: set[str] = set()
    for vote in votes:
        choices.setdefault(vote.person, set()).add(vote.choice)
        if rule.mfa and vote.choice == "approve" and not vote.proof:
            unproven.add(vote.person)
    checked = {person: _known(rule, barred, people.get(person), now) for person in choices}
    checked |= {person: _UNPROVEN for person in unproven if checked[person].ok and "deny" not in choices[person]}
    denied = tuple(p for p, said in choices.items() if "deny" in said and checked[p].ok)
    for_it = [p for p, said in choices.items() if said == {"approve"} and checked[p].ok]
    slots = _fill(rule, [people[p] for p in for_it], barred, now)
    filling = {slot.person for slot in slots}
    empty = [slot for slot in slots if slot.person is None]
    return Tally(
        counted=tuple(p for p in for_it if p in filling),
        spare=tuple(p for p in for_it if p not in filling),
        missing=len(empty),
        missing_groups=_open_groups(rule, empty),
        dropped={p: checked[p] for p, said in choices.items() if not checked[p].ok and "approve" in said},
        denied=denied,
        slots=slots,
    )


def who_can(
    rule: ApprovalRule,
    barred: Mapping[str, str],
    members: Sequence[Voter],
    oncall: Collection[str],
    now: datetime,
) -> Candidates:
    """Who could approve if asked now, on-call first. How old the belief is does not matter yet: a vote refreshes it."""
    fresh = _ageless(rule)
    able = [voter for voter in members if eligible(fresh, barred, voter, now).ok]
    on_call = tuple(voter for voter in able if voter.person in oncall)
    ordered = on_call + tuple(voter for voter in able if voter.person not in oncall)
    empty = [slot for slot in _fill(fresh, ordered, barred, now) if slot.person is None]
    why_not = _unreachable(rule, ordered, empty) if empty else ""
    return Candidates(ordered, on_call, not empty, why_not)


def refusal(verdict: Eligibility, rule: ApprovalRule, candidates: Candidates) -> str:
    """The whole answer to somebody whose vote does not count: why, and who can approve instead."""
    can = candidates.on_call or candidates.eligible
    names, listed = join([voter.name for voter in can]), ", ".join(voter.name for voter in can)
    if not can:
        return f"{verdict.why} Nobody who could approve is known now; `muster doctor` says why."
    if verdict.code == "group":
        return f"{verdict.why} {'On call there now' if candidates.on_call else 'There now'}: {listed}."
    verb = "is" if len(can) == 1 else "are"
    groups = "" if rule.from_ == (EVERYONE,) and not rule.groups else f" {verb} in {_handles(rule)} and"
    return f"{verdict.why} {names}{groups} can approve."


def join(names: Sequence[str], word: str = "and") -> str:
    """ "Ana", "Ana and Ben", "Ana, Ben and Chi"."""
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "nobody"


# --- groups and slots -----------------------------------------------------------------------------------------------


def _in_group(rule: ApprovalRule, barred: Mapping[str, str], voter: Voter, now: datetime) -> Eligibility:
    """Whether a slot is open to this person: by groups that count now, else say what is in the way."""
    if any(_fits(slot, rule, voter, barred, now) for slot in _slots(rule)):
        return Eligibility(True)
    named = _named(rule)
    mine = [one for one in voter.memberships if one.group in named and one.for_voting]
    if not mine or not any(_belongs(rule, voter, group) for group in rule.from_):
        return Eligibility(False, f"Approving needs {_handles(rule)}.", "group")
    held = next((one for one in mine if _too_new(one.confirmed, one.added_at, one.added_by, rule, barred, now)), None)
    if held is None:
        stale = [one.seen_at for one in mine if _stale(one.seen_at, rule, now)]
        return (
            Eligibility(False, _stale_words(min(stale), rule), "stale")
            if stale
            else Eligibility(False, f"Approving needs {_handles(rule)}.", "group")
        )
    by = " by who asked for this" if held.added_by in barred else ""
    age = words(timedelta(seconds=rule.member_age_s))
    why = f"You were added to `@{held.group}` at {held.added_at:%d %b %H:%M} UTC{by}; that counts "
    later = "once" if by else f"after {age} (policy `approvals.member_age`), or once"
    return Eligibility(False, f"{why}{later} two current approvers confirm it.", "new")


def _belongs(rule: ApprovalRule, voter: Voter, group: str) -> bool:
    return group == EVERYONE or any(one.group == group and one.for_voting for one in voter.memberships)


def _counts(rule: ApprovalRule, barred: Mapping[str, str], voter: Voter, group: str, now: datetime) -> bool:
    """Whether the person is in the group for the purpose of voting, now."""
    if group == EVERYONE:
        return voter.state == MEMBER
    return any(
        one.group == group
        and one.for_voting
        and not _too_new(one.confirmed, one.added_at, one.added_by, rule, barred, now)
        and not _stale(one.seen_at, rule, now)
        for one in voter.memberships
    )


def _too_new(
    confirmed: bool, added_at: datetime, by: str | None, rule: ApprovalRule, barred: Mapping[str, str], now: datetime
) -> bool:
    return not confirmed and (by in barred or (now - added_at).total_seconds() < rule.member_age_s)


def _slots(rule: ApprovalRule) -> tuple[Slot, ...]:
    named = tuple(Slot(group) for group, count in rule.groups for _ in range(count))
    return named + (Slot(None),) * max(0, rule.people - len(named))


def _fits(slot: Slot, rule: ApprovalRule, voter: Voter, barred: Mapping[str, str], now: datetime) -> bool:
    if not any(_counts(rule, barred, voter, group, now) for group in rule.from_):
        return False
    return slot.group is None or _counts(rule, barred, voter, slot.group, now)


def _fill(rule: ApprovalRule, voters: Sequence[Voter], barred: Mapping[str, str], now: datetime) -> tuple[Slot, ...]:
    """A largest assignment of people to slots (augmenting paths); whoever fills a slot keeps one as others join."""
    slots = _slots(rule)
    open_to = {
        voter.person: [i for i, slot in enumerate(slots) if _fits(slot, rule, voter, barred, now)] for voter in voters
    }
    taken: dict[int, str] = {}

    def seat(person: str, tried: set[int]) -> bool:
        for i in open_to[person]:
            if i not in tried:
                tried.add(i)
                if i not in taken or seat(taken[i], tried):
                    taken[i] = person
                    return True
        return False

    for person in open_to:
        if person not in barred:
            seat(person, set())
    if _one_barred(rule):
        next((True for person in open_to if person in barred and seat(person, set())), False)
    return tuple(Slot(slot.group, taken.get(i)) for i, slot in enumerate(slots))


def _one_barred(rule: ApprovalRule) -> bool:
    """Whether one of the people may be barred: by policy and beside somebody else, or where one person acts alone."""
    return rule.requester == "alone" or (rule.requester == "recoverable" and len(_slots(rule)) >= 2)


def _known(rule: ApprovalRule, barred: Mapping[str, str], voter: Voter | None, now: datetime) -> Eligibility:
    if voter is None:
        return Eligibility(False, "This person is not known any more.", "account")
    return eligible(rule, barred, voter, now)


# --- words and bytes ------------------------------------------------------------------------------------------------


def _ageless(rule: ApprovalRule) -> ApprovalRule:
    return rule.model_copy(update={"directory_max_age_s": float("inf")})


def _stale(believed_at: datetime | None, rule: ApprovalRule, now: datetime) -> bool:
    return believed_at is None or (now - believed_at).total_seconds() > rule.directory_max_age_s


def _stale_words(believed_at: datetime | None, rule: ApprovalRule) -> str:
    when = f"is from {believed_at:%H:%M:%S} UTC" if believed_at else "was never looked up"
    most = words(timedelta(seconds=rule.directory_max_age_s))
    return (
        f"What Muster knows of your account and groups {when}, and policy believes nothing older than {most} "
        "(`approvals.directory_max_age`). Press again in a moment."
    )


def _named(rule: ApprovalRule) -> tuple[str, ...]:
    """Every group that matters for a vote, once, in the rule's order."""
    return tuple(dict.fromkeys([*(g for g, _ in rule.groups), *(g for g in rule.from_ if g != EVERYONE)]))


def _handles(rule: ApprovalRule) -> str:
    return join([f"`@{group}`" for group in _named(rule)], "or") if _named(rule) else "a full member of the workspace"


def _open_groups(rule: ApprovalRule, empty: Sequence[Slot]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(g for slot in empty for g in ((slot.group,) if slot.group else rule.from_)))


def _unreachable(rule: ApprovalRule, able: Sequence[Voter], empty: Sequence[Slot]) -> str:
    names = join([voter.name for voter in able])
    only = f"only {names} could" if able else "nobody could"
    groups = join([f"`@{g}`" if g != EVERYONE else "the workspace" for g in _open_groups(rule, empty)], "or")
    takes = f"{len(_slots(rule))} people besides who asked" if not _one_barred(rule) else f"{len(_slots(rule))} people"
    return (
        f"The quorum cannot be reached: it takes {takes}, {only} approve now, "
        f"and {len(empty)} more from {groups} {'is' if len(empty) == 1 else 'are'} missing."
    )


def _exactly(given: Mapping[str, Any], names: frozenset[str], what: str) -> None:
    if wrong := sorted(names.symmetric_difference(given)):
        raise ValueError(f"{what} covers exactly {', '.join(sorted(names))}; missing or unknown: {', '.join(wrong)}")


def _plain(value: Any) -> Any:
    """JSON that every writer spells alike; whole numbers beyond a double keep all their digits."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, int):
        return int(value) if -_EXACT < value < _EXACT else {"$int": str(int(value))}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise ValueError(f"an approval cannot cover a {type(value).__name__}")
