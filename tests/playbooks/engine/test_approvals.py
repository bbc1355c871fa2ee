"""Whose vote counts, whether the quorum stands, and what an approval is bound to."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks.engine.approvals import digest, eligible, expired, join, refusal, short, tally, who_can
from playbooks.policy_approvals import ApprovalRule
from storage.people import BY_MAIL, Membership, Voter

NOW = datetime(2026, 11, 22, 14, 8, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=90)
SRE = ApprovalRule(people=2, from_=("sre",))
BOTH = ApprovalRule(people=2, groups=(("security", 1), ("sre", 1)), from_=("sre", "security"))
SMALL = ApprovalRule(people=2, from_=("sre",), requester="recoverable")
ANA = {"ana": "requester"}


@dataclass(frozen=True)
class Vote:
    person: str
    choice: str = "approve"
    proof: str | None = None


def voter(name: str, *groups: str, state: str = "member", age_s: float = 1.0, **membership: Any) -> Voter:
    belongs = [
        replace(Membership(group, "slack", LONG_AGO, None, True, NOW - timedelta(seconds=1)), **membership)
        for group in groups
    ]
    return Voter(name, name.capitalize(), state, NOW - timedelta(seconds=age_s), tuple(belongs))


def people(*voters: Voter) -> dict[str, Voter]:
    return {one.person: one for one in voters}


COVERS: dict[str, Any] = {
    "playbook": "aa" * 32,
    "run": "INC-42/1",
    "steps": [
        {"index": 1, "id": "failover", "action": "aws.rds_failover", "version": 1,
         "params": {"instance": "orders-db", "wait": 1.5}, "targets": ["rds:orders-db"], "effect": "Reboot orders-db"}
    ],
    "site": "primary", "service": "checkout", "incident": "INC-42", "kind": "real",
    "mode": "quorum", "overrides": None,
    "rule": SRE.model_dump(mode="json"), "expires_at": "2026-11-22T14:22:00.000000Z",
}  # fmt: skip


def test_the_digest_is_stable_whatever_the_order_of_keys() -> None:
    turned = {key: COVERS[key] for key in reversed(COVERS)}
    assert digest(turned) == digest(copy.deepcopy(COVERS))
    assert len(digest(COVERS)) == 64
    assert short("9f2c" + "0" * 58 + "e1") == "sha256:9f2c…e1"


CHANGES: list[tuple[tuple[Any, ...], Any]] = [
    (("playbook",), "bb" * 32),
    (("run",), "INC-42/2"),
    (("site",), "drill"),
    (("service",), None),
    (("incident",), "INC-43"),
    (("kind",), "drill"),
    (("expires_at",), "2026-11-22T14:23:00.000000Z"),
    (("rule", "people"), 1),
    (("rule", "from_"), ["everyone"]),
    (("steps", 0, "index"), 2),
    (("steps", 0, "id"), "other"),
    (("steps", 0, "action"), "aws.rds_reboot"),
    (("steps", 0, "version"), 2),
    (("steps", 0, "params", "instance"), "users-db"),
    (("steps", 0, "params", "wait"), 1.6),
    (("steps", 0, "params", "extra"), True),
    (("steps", 0, "targets"), ["rds:orders-db", "rds:users-db"]),
    (("steps", 0, "effect"), "Reboot orders-db with failover"),
    (("steps",), [*COVERS["steps"], COVERS["steps"][0]]),
]


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=lambda value: str(value)[:30])
def test_whatever_changes_gives_another_digest(path: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(COVERS)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert digest(changed) != digest(COVERS)


@pytest.mark.parametrize("name", sorted(COVERS))
def test_an_approval_never_binds_less_than_it_says(name: str) -> None:
    less = {key: value for key, value in COVERS.items() if key != name}
    with pytest.raises(ValueError, match=name):
        digest(less)
    with pytest.raises(ValueError, match="targets"):
        digest({**COVERS, "steps": [{k: v for k, v in COVERS["steps"][0].items() if k != "targets"}]})
    with pytest.raises(ValueError, match="at least one"):
        digest({**COVERS, "steps": []})


def test_numbers_beyond_a_double_are_bound_to_their_last_digit() -> None:
    def with_number(number: Any) -> str:
        step = {**COVERS["steps"][0], "params": {"snapshot": number}}
        return digest({**COVERS, "steps": [step]})

    assert len({with_number(2**53 + 1), with_number(2**53 + 2), with_number(str(2**53 + 1))}) == 3


@pytest.mark.parametrize(
    ("rule", "who", "code", "said"),
    [
        (SRE, voter("ben", "sre"), "", ""),
        (SRE, voter("ana", "sre"), "barred", "You asked for this run, so your approval does not count"),
        (SRE, voter("eve", "billing"), "group", "Approving needs `@sre`."),
        (SRE, voter("gus", "sre", state="guest"), "account", "Your account is a guest's."),
        (SRE, voter("uma", "sre", state="unverified"), "account", "not been able to look"),
        (SRE, voter("max", "sre", state="external"), "account", "another workspace"),
        (SRE, voter("bot", "sre", state="bot"), "account", "a bot's"),
        (SRE, voter("old", "sre", state="deactivated"), "account", "deactivated"),
        (SRE, voter("two", "sre", state="ambiguous"), "account", "several people"),
        (SRE, voter("who", "sre", state="unmapped"), "account", "nobody Muster knows"),
        (SRE, voter("pat", "sre", state="mail"), "account", "e-mail"),
        (SRE, voter("ben", "sre", age_s=301), "stale", "directory_max_age"),
        (SRE, voter("ben", "sre", seen_at=NOW - timedelta(minutes=6)), "stale", "directory_max_age"),
        (SRE, voter("ben", "sre", source=BY_MAIL), "group", "Approving needs `@sre`."),
        (SRE, voter("new", "sre", confirmed=False, added_at=NOW - timedelta(hours=23)), "new", "after 1 day"),
        (SRE, voter("new", "sre", confirmed=False, added_at=NOW - timedelta(hours=24)), "", ""),
        (SRE, voter("new", "sre", confirmed=True, added_at=NOW), "", ""),
        (SRE, voter("pal", "sre", confirmed=False, added_by="ana"), "new", "by who asked"),
        (SRE, voter("pal", "sre", confirmed=True, added_by="ana"), "", ""),
        (ApprovalRule(), voter("eve"), "", ""),
        (ApprovalRule(), voter("ana"), "barred", "approvals.requester: never"),
        (BOTH, voter("sec", "security"), "", ""),
        (SMALL, voter("ana", "sre"), "", ""),
        (SMALL.model_copy(update={"people": 1}), voter("ana", "sre"), "barred", "You asked"),
    ],
)  # fmt: skip
def test_who_is_eligible(rule: ApprovalRule, who: Voter, code: str, said: str) -> None:
    verdict = eligible(rule, ANA, who, NOW)
    assert (verdict.ok, verdict.code) == (not code, code), verdict
    assert said in verdict.why


def test_who_changed_the_inputs_or_pressed_retry_is_barred_in_their_own_words() -> None:
    assert "changed what this run was given" in eligible(SRE, {"ben": "editor"}, voter("ben", "sre"), NOW).why
    assert "asked for this attempt" in eligible(SRE, {"ben": "retry"}, voter("ben", "sre"), NOW).why


def test_two_people_satisfy_and_one_twice_does_not() -> None:
    known = people(voter("ben", "sre"), voter("chi", "sre"))
    once = tally(SRE, [Vote("ben"), Vote("ben")], known, barred=ANA, now=NOW)
    assert (once.counted, once.missing, once.missing_groups, once.satisfied) == (("ben",), 1, ("sre",), False)
    both = tally(SRE, [Vote("ben"), Vote("chi")], known, barred=ANA, now=NOW)
    assert (both.counted, both.missing, both.satisfied) == (("ben", "chi"), 0, True)


def test_one_person_in_both_groups_fills_one_slot_whatever_the_order() -> None:
    known = people(voter("ben", "sre", "security"), voter("chi", "sre"), voter("sue", "security"))
    for pair, enough in ((("ben", "chi"), True), (("ben", "sue"), True), (("chi", "sue"), True), (("ben",), False)):
        for order in permutations(pair):
            counted = tally(BOTH, [Vote(p) for p in order], known, barred=ANA, now=NOW)
            assert counted.satisfied is enough, order
    two_sre = tally(BOTH, [Vote("chi"), Vote("dan")], {**known, **people(voter("dan", "sre"))}, barred=ANA, now=NOW)
    assert (two_sre.missing_groups, two_sre.counted, two_sre.spare) == (("security",), ("chi",), ("dan",))


def test_who_leaves_between_vote_and_start_is_dropped_and_recounted() -> None:
    votes = [Vote("ben"), Vote("chi")]
    left = people(voter("ben", "sre"), voter("chi"))
    after = tally(SRE, votes, left, barred=ANA, now=NOW)
    assert (after.counted, after.missing, after.dropped["chi"].code) == (("ben",), 1, "group")
    gone = tally(SRE, votes, people(voter("ben", "sre")), barred=ANA, now=NOW)
    assert gone.dropped["chi"].code == "account"


def test_an_eligible_no_stops_it_and_is_not_also_a_yes() -> None:
    known = people(voter("ben", "sre"), voter("chi", "sre"), voter("dan", "sre"), voter("eve"))
    votes = [Vote("ben"), Vote("chi"), Vote("dan", "deny"), Vote("eve", "deny")]
    result = tally(SRE, votes, known, barred=ANA, now=NOW)
    assert (result.missing, result.denied, result.satisfied) == (0, ("dan",), False)
    changed = tally(SRE, [Vote("ben"), Vote("chi"), Vote("chi", "revoke")], known, barred=ANA, now=NOW)
    assert changed.counted == ("ben",)


def test_a_small_team_lets_who_asked_be_one_of_two_but_never_both() -> None:
    known = people(voter("ana", "sre"), voter("edi", "sre"), voter("ben", "sre"))
    barred = {"ana": "requester", "edi": "editor"}
    assert tally(SMALL, [Vote("ana"), Vote("ben")], known, barred=barred, now=NOW).satisfied
    assert not tally(SMALL, [Vote("ana"), Vote("edi")], known, barred=barred, now=NOW).satisfied
    assert not tally(SRE, [Vote("ana"), Vote("ben")], known, barred=barred, now=NOW).satisfied


def test_nobody_needed_is_satisfied() -> None:
    assert tally(ApprovalRule(people=0), [], {}, barred={}, now=NOW).satisfied


def test_expiry_at_the_boundary() -> None:
    assert not expired(NOW, NOW + timedelta(microseconds=1))
    assert expired(NOW, NOW)


def test_candidates_on_call_first_and_words_of_refusal() -> None:
    members = [voter("ana", "sre"), voter("ben", "sre"), voter("chi", "sre"), voter("dan", "sre")]
    can = who_can(SRE, ANA, members, {"chi"}, NOW)
    assert [one.person for one in can.eligible] == ["chi", "ben", "dan"]
    assert [one.person for one in can.on_call] == ["chi"]
    assert can.reachable and not can.why_not
    pair = who_can(SRE, ANA, members[:3], {"ben", "chi"}, NOW)
    assert refusal(eligible(SRE, ANA, members[0], NOW), SRE, pair) == (
        "You asked for this run, so your approval does not count (policy `approvals.requester: never`). "
        "Ben and Chi are in `@sre` and can approve."
    )
    assert refusal(eligible(SRE, ANA, voter("eve"), NOW), SRE, pair) == (
        "Approving needs `@sre`. On call there now: Ben, Chi."
    )


def test_a_belief_too_old_to_vote_does_not_hide_a_candidate() -> None:
    members = [voter("ben", "sre", age_s=4000), voter("chi", "sre", seen_at=NOW - timedelta(hours=2))]
    assert who_can(SRE, {}, members, (), NOW).reachable


def test_a_card_shows_votes_whose_belief_grew_old() -> None:
    known = people(voter("ben", "sre", age_s=4000))
    assert tally(SRE, [Vote("ben")], known, barred=ANA, now=NOW).dropped["ben"].code == "stale"
    assert tally(SRE, [Vote("ben")], known, barred=ANA, now=NOW, showing=True).counted == ("ben",)


def test_a_quorum_that_cannot_be_reached_is_said() -> None:
    alone = who_can(SRE, ANA, [voter("ana", "sre"), voter("ben", "sre")], (), NOW)
    assert not alone.reachable
    assert alone.why_not == (
        "The quorum cannot be reached: it takes 2 people besides who asked, only Ben could approve now, "
        "and 1 more from `@sre` is missing."
    )
    nobody = who_can(SRE, ANA, [], (), NOW)
    assert "nobody could" in nobody.why_not
    assert "Nobody who could approve" in refusal(eligible(SRE, ANA, voter("eve"), NOW), SRE, nobody)


@pytest.mark.parametrize(
    ("names", "said"),
    [([], "nobody"), (["Ana"], "Ana"), (["Ana", "Ben"], "Ana and Ben"), (["A", "B", "C"], "A, B and C")],
)
def test_names_are_joined(names: list[str], said: str) -> None:
    assert join(names) == said


# --- properties -----------------------------------------------------------------------------------------------------

GROUPS = ("sre", "security", "dba")
PEOPLE = "abcdef"


@st.composite
def quorums(draw: st.DrawFn) -> tuple[ApprovalRule, dict[str, Voter], dict[str, str]]:
    slots = draw(st.dictionaries(st.sampled_from(GROUPS), st.integers(1, 2), max_size=2))
    total = max(1, sum(slots.values()))
    rule = ApprovalRule(
        people=draw(st.integers(total, total + 1)),
        groups=tuple(sorted(slots.items())),
        from_=draw(st.sampled_from([("everyone",), GROUPS, ("sre", "dba")])),
        requester=draw(st.sampled_from(["never", "recoverable"])),
    )
    known = {p: voter(p, *draw(st.sets(st.sampled_from(GROUPS)))) for p in PEOPLE}
    barred = dict.fromkeys(draw(st.sets(st.sampled_from(PEOPLE), max_size=2)), "requester")
    return rule, known, barred


def by_hand(rule: ApprovalRule, known: dict[str, Voter], barred: dict[str, str], voted: list[str]) -> bool:
    """Every way of putting people on slots, tried one by one: slow, and plainly right."""
    slots = [group for group, count in rule.groups for _ in range(count)]
    slots += [""] * (rule.people - len(slots))
    most_barred = 1 if rule.requester == "recoverable" and len(slots) >= 2 else 0

    def fits(person: str, slot: str) -> bool:
        mine = {one.group for one in known[person].memberships} | {"everyone"}
        return bool(mine & set(rule.from_)) and (not slot or slot in mine)

    return any(
        all(fits(person, slot) for person, slot in zip(order, slots, strict=True))
        and sum(person in barred for person in order) <= most_barred
        for order in permutations(set(voted), len(slots))
    )


@settings(max_examples=300, deadline=None)
@given(quorums(), st.lists(st.sampled_from(PEOPLE), max_size=7), st.randoms(use_true_random=False))
def test_any_order_that_can_fill_the_slots_does(quorum: Any, voted: list[str], chance: Any) -> None:
    rule, known, barred = quorum
    shuffled = chance.sample(voted, len(voted))
    first = tally(rule, [Vote(p) for p in voted], known, barred=barred, now=NOW)
    second = tally(rule, [Vote(p) for p in shuffled], known, barred=barred, now=NOW)
    assert first.satisfied is second.satisfied is by_hand(rule, known, barred, voted)
    assert first.missing == second.missing


@settings(max_examples=300, deadline=None)
@given(quorums(), st.lists(st.sampled_from(PEOPLE), max_size=7))
def test_one_person_fills_one_slot_and_a_vote_more_never_hurts(quorum: Any, voted: list[str]) -> None:
    rule, known, barred = quorum
    missing = rule.people
    counted: tuple[str, ...] = ()
    for count in range(len(voted) + 1):
        now = tally(rule, [Vote(p) for p in voted[:count]], known, barred=barred, now=NOW)
        filled = [slot.person for slot in now.slots if slot.person]
        assert len(filled) == len(set(filled)) and set(filled) == set(now.counted)
        assert set(filled) <= set(voted[:count])
        assert len(set(filled) & set(barred)) <= 1
        assert now.missing <= missing
        assert set(counted) - set(barred) <= set(now.counted)
        missing, counted = now.missing, now.counted


@settings(max_examples=100, deadline=None)
@given(quorums())
def test_reachable_is_exactly_whether_everybody_s_yes_would_do(quorum: Any) -> None:
    rule, known, barred = quorum
    can = who_can(rule, barred, list(known.values()), (), NOW)
    assert can.reachable is tally(rule, [Vote(p) for p in PEOPLE], known, barred=barred, now=NOW).satisfied
    assert can.reachable is (can.why_not == "")


def test_where_the_rule_needs_a_code_only_proved_votes_count() -> None:
    rule = SRE.model_copy(update={"mfa": True})
    known = people(voter("ben", "sre"), voter("chi", "sre"), voter("dan", "sre"))
    votes = [Vote("ben", proof="totp"), Vote("chi"), Vote("dan", "deny")]
    found = tally(rule, votes[:2], known, barred=ANA, now=NOW)
    assert (found.counted, found.missing, found.dropped["chi"].code) == (("ben",), 1, "proof")
    assert tally(SRE, votes[:2], known, barred=ANA, now=NOW).satisfied
    assert tally(rule, [votes[0], Vote("chi", proof="totp")], known, barred=ANA, now=NOW).satisfied
    assert tally(rule, votes, known, barred=ANA, now=NOW).denied == ("dan",), "a no needs no code"
