"""Which human an account is, who is in which group, and that an outage leaves what was believed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from playbooks.directory import Directory, _listed
from playbooks.errors import Temporary
from playbooks.policy import Policy, parse_policy
from storage import people, timeline
from storage.db import Database
from storage.tables import accounts, memberships

POLICY = """
severities:
  sev1: {title: outage}
groups:
  sre: {slack: "@sre"}
  listed: {people: [ben, chi]}
  paged: {pagerduty_escalation_policy: Payments primary}
  both: {slack: "@sre", people: [dov]}
people:
  ben: {slack: U2, pagerduty: PBEN}
  chi: {slack: U3}
  dov: {slack: U4}
permissions:
  administer: [listed]
services:
  checkout: {tier: 1, rto: 15m, rpo: 5m, pagerduty: {escalation_policy: Payments primary}}
  quiet: {tier: 3, rto: 1d, rpo: 1d}
"""


@dataclass(frozen=True)
class SlackUser:
    id: str
    name: str = "someone"
    real_name: str = ""
    email: str = ""
    team_id: str = "T1"
    deleted: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    enterprise_id: str = ""


@dataclass
class Slack:
    """A workspace that can be slow or away."""

    users: dict[str, SlackUser]
    groups: dict[str, list[str]]
    down: bool = False
    slow_s: float = 0.0
    changed_by: str | None = None
    asked: list[str] = field(default_factory=list)

    async def _trouble(self) -> None:
        await asyncio.sleep(self.slow_s)
        if self.down:
            raise Temporary("Slack said 503.")

    async def user(self, user_id: str) -> SlackUser:
        self.asked.append(user_id)
        await self._trouble()
        return self.users[user_id]

    async def usergroup_members(self, group: str) -> list[str]:
        self.asked.append(group)
        await self._trouble()
        return list(self.groups[group.removeprefix("@")])

    async def usergroup_changed_by(self, group: str) -> str | None:
        await self._trouble()
        return self.changed_by


@dataclass(frozen=True)
class PdUser:
    id: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Entry:
    user: PdUser
    policy: str = "Payments primary"
    policy_id: str = "PPOL"
    schedule: str = "Primary"
    level: int = 1
    end: str = ""


@dataclass
class PagerDuty:
    entries: list[Entry]
    down: bool = False

    async def oncalls(self) -> list[Entry]:
        if self.down:
            raise Temporary("PagerDuty said 429.")
        return self.entries

    async def user_by_email(self, email: str) -> PdUser | None:
        return next((one.user for one in self.entries if one.user.email == email), None)


@pytest.fixture
def policy() -> Policy:
    return parse_policy(POLICY)


@pytest.fixture
def slack() -> Slack:
    users = [
        SlackUser("U1", "ana", "Ana", "ana@example.com"),
        SlackUser("U2", "ben", "Ben", "ben@example.com"),
        SlackUser("U3", "chi", "Chi", "chi@example.com"),
        SlackUser("U4", "dov", "Dov", "dov@example.com"),
        SlackUser("UG", "gus", is_guest=True),
        SlackUser("UX", "max", team_id="T2", is_stranger=True),
        SlackUser("UB", "bot", is_bot=True),
        SlackUser("UD", "del", deleted=True),
        SlackUser("USLACKBOT", "slackbot"),
    ]
    return Slack({one.id: one for one in users}, {"sre": ["U2", "U3"]})


@pytest.fixture
def pagerduty() -> PagerDuty:
    return PagerDuty([Entry(PdUser("PBEN", "Ben")), Entry(PdUser("PANA", "Ana", "Ana@example.com"), level=2)])


@pytest.fixture
def directory(db: Database, slack: Slack, pagerduty: PagerDuty) -> Directory:
    return Directory(db, slack, pagerduty, "T1", bound_s=0.3)


async def org_types(db: Database) -> list[str]:
    return [event.type for event in await db.read(lambda tx: timeline.read(tx, timeline.ORG))]


async def test_a_member_is_a_person_at_first_sight_and_the_same_one_ever_after(
    db: Database, directory: Directory
) -> None:
    first = await db.write(lambda tx: directory.see(tx, "slack", "T1/U1", "ana"))
    assert first and first.startswith("P-") and len(first) == 14
    assert await db.write(lambda tx: directory.see(tx, "slack", "T1/U1", "somebody else")) == first
    assert await org_types(db) == ["person.seen"]
    assert await db.read(lambda tx: directory.name(tx, first)) == "ana"
    assert await db.read(lambda tx: directory.slack_id(tx, first)) == "U1"
    assert await db.read(lambda tx: directory.person_by_slack(tx, "U1")) == first
    assert await db.read(lambda tx: directory.person_by_slack(tx, "U9")) is None
    event = (await db.read(lambda tx: timeline.read(tx, timeline.ORG)))[0]
    assert event.body["person"] == first and "U1" not in str(event.body) and event.text("account") == "T1/U1"


async def test_twenty_first_sights_at_once_are_one_person(db: Database, directory: Directory) -> None:
    seen = await asyncio.gather(*(db.write(lambda tx: directory.see(tx, "slack", "T1/U1")) for _ in range(20)))
    assert len(set(seen)) == 1
    assert await org_types(db) == ["person.seen"]


@pytest.mark.parametrize("account", ["T2/U1", "U1", "/U1", "T1x/U1"])
async def test_an_account_from_elsewhere_is_nobody(
    db: Database, directory: Directory, policy: Policy, account: str
) -> None:
    assert await db.write(lambda tx: directory.see(tx, "slack", account)) is None
    await directory.refresh_account("slack", account)
    actor = await db.write(lambda tx: directory.actor(tx, "slack", account, policy))
    assert (actor.person, actor.why_not) == (None, "Your account belongs to another workspace.")


async def test_without_a_home_workspace_nobody_is_home(db: Database, slack: Slack, policy: Policy) -> None:
    lost = Directory(db, slack, None, "")
    assert await db.write(lambda tx: lost.see(tx, "slack", "/U1")) is None


@pytest.mark.parametrize(
    ("id", "state", "why"),
    [
        ("UG", "guest", "a guest's"),
        ("UX", "external", "another workspace"),
        ("UB", "bot", "a bot's"),
        ("USLACKBOT", "bot", "a bot's"),
        ("UD", "deactivated", "deactivated"),
    ],
)
async def test_whoever_is_no_full_member_may_not_act(
    db: Database, directory: Directory, policy: Policy, id: str, state: str, why: str
) -> None:
    person = await db.write(lambda tx: directory.see(tx, "slack", f"T1/{id}"))
    await directory.refresh_account("slack", f"T1/{id}")
    actor = await db.write(lambda tx: directory.actor(tx, "slack", f"T1/{id}", policy))
    assert (actor.person, actor.seen_as) == (None, person) and why in actor.why_not
    row = await db.read(lambda tx: people.account(tx, "slack", f"T1/{id}"))
    assert row and row.state == state and row.believed_at
    assert await org_types(db) == ["person.seen", "account.changed"]


async def test_an_account_of_a_kind_nobody_enrolled_is_nobody(
    db: Database, directory: Directory, policy: Policy
) -> None:
    await directory.refresh_account("cli", "root@laptop")
    actor = await db.write(lambda tx: directory.actor(tx, "cli", "root@laptop", policy))
    assert (actor.person, actor.why_not) == (None, "Your account belongs to nobody Muster knows.")


async def test_looking_gives_name_address_groups_and_administration(
    db: Database, directory: Directory, policy: Policy
) -> None:
    await directory.refresh_groups(policy)
    await directory.refresh_account("slack", "T1/U2")
    ben = await db.write(lambda tx: directory.actor(tx, "slack", "T1/U2", policy))
    assert (ben.name, ben.why_not, ben.admin) == ("Ben", "", True)
    assert ben.groups == {"sre", "listed", "paged", "both"}
    ana = await db.write(lambda tx: directory.actor(tx, "slack", "T1/U1", policy))
    assert (ana.admin, ana.groups) == (False, frozenset())


async def test_an_unverified_member_may_act_but_is_not_a_voter(
    db: Database, directory: Directory, policy: Policy
) -> None:
    actor = await db.write(lambda tx: directory.actor(tx, "slack", "T1/U1", policy))
    person = actor.person
    assert person and not actor.why_not
    assert (await db.read(lambda tx: people.voters_by_id(tx, [person])))[person].state == "unverified"


async def test_the_first_answer_is_adopted_and_later_members_wait(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    await directory.refresh_group(policy, "sre")
    found = await db.read(lambda tx: directory.members(tx, "sre"))
    assert [(one.name, one.confirmed, one.account_state) for one in found] == [
        ("Ben", True, "member"), ("Chi", True, "member"),
    ]  # fmt: skip
    slack.groups["sre"] = ["U3", "U1"]
    await directory.refresh_group(policy, "sre")
    found = await db.read(lambda tx: directory.members(tx, "sre"))
    assert [(one.name, one.confirmed) for one in found] == [("Ana", False), ("Chi", True)]
    types = await org_types(db)
    assert (types.count("group.joined"), types.count("group.left")) == (3, 1)
    slack.groups["sre"] = ["U3", "U1", "U2"]
    await directory.refresh_group(policy, "sre")
    back = {one.name: one.confirmed for one in await db.read(lambda tx: directory.members(tx, "sre"))}
    assert back["Ben"] is False


async def test_an_outage_before_the_first_answer_does_not_spoil_adoption(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    slack.down = True
    await directory.refresh_group(policy, "sre")
    assert await db.read(lambda tx: people.refresh_error(tx, "group:sre")) == "Slack said 503."
    slack.down = False
    await directory.refresh_group(policy, "sre")
    assert all(one.confirmed for one in await db.read(lambda tx: directory.members(tx, "sre")))
    assert await db.read(lambda tx: people.refresh_error(tx, "group:sre")) is None


async def test_an_outage_leaves_rows_as_they_were_with_their_age(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    await directory.refresh_for_vote(policy, ["sre"], ("slack", "T1/U2"))
    before = await db.read(lambda tx: people.voters(tx, ["sre"]))
    slack.down = True
    await directory.refresh_for_vote(policy, ["sre"], ("slack", "T1/U2"), others=[("slack", "T1/U3")])
    assert await db.read(lambda tx: people.voters(tx, ["sre"])) == before
    assert await db.read(lambda tx: people.refresh_error(tx, "account:slack:T1/U2")) == "Slack said 503."


async def test_a_slow_slack_costs_the_bound_and_no_more(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    slack.slow_s = 30
    begun = time.monotonic()
    others = [("slack", f"T1/U{n}") for n in (1, 3, 4)]
    await directory.refresh_for_vote(policy, policy.groups, ("slack", "T1/U2"), others=others)
    assert time.monotonic() - begun < slack.slow_s / 2
    assert await db.read(lambda tx: people.refresh_error(tx, "group:sre")) == "There was no answer in time."


async def test_one_source_failing_keeps_only_its_own_members(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    await directory.refresh_group(policy, "both")
    slack.down = True
    less = policy.model_copy(
        update={"groups": {**policy.groups, "both": policy.groups["both"].model_copy(update={"people": ("ben",)})}}
    )
    await directory.refresh_group(less, "both")
    found = {one.name for one in await db.read(lambda tx: directory.members(tx, "both"))}
    assert found == {"Ben", "Chi"}


async def test_a_vote_refreshes_the_voter_and_those_who_voted_before(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    await directory.refresh_for_vote(policy, ["sre", "everyone", "nowhere"], ("slack", "T1/U2"))
    slack.users["U3"] = replace(slack.users["U3"], deleted=True)
    await directory.refresh_for_vote(policy, ["sre"], ("slack", "T1/U2"), others=[("slack", "T1/U3")])
    states = {one.name: one.state for one in await db.read(lambda tx: directory.voters(tx, ["sre"]))}
    assert states == {"Ben": "member", "Chi": "deactivated"}


async def test_members_are_looked_at_once_not_with_every_vote(
    db: Database, directory: Directory, policy: Policy, slack: Slack
) -> None:
    await directory.refresh_group(policy, "sre")
    slack.asked.clear()
    await directory.refresh_group(policy, "sre")
    assert slack.asked == ["@sre"]
    await db.write(lambda tx: tx.conn.execute(update(accounts).values(believed_at=tx.now - timedelta(hours=2))))
    await directory.refresh_group(policy, "sre")
    assert sorted(slack.asked) == ["@sre", "@sre", "U2", "U3"]


async def test_on_call_by_policy_entry_or_by_address_for_reading_only(
    db: Database, directory: Directory, policy: Policy
) -> None:
    await directory.refresh_account("slack", "T1/U1")
    await directory.refresh_oncall(policy, "checkout")
    found = await db.read(lambda tx: directory.oncall(tx, "Payments primary"))
    assert [(one.name, one.level) for one in found] == [("Ben", 1), ("Ana", 2)]
    states = {row.id: row.state for row in await db.read(lambda tx: tx.conn.execute(select(accounts)).all())}
    assert (states["PBEN"], states["PANA"]) == ("listed", "mail")
    ana = await db.read(lambda tx: directory.person_of(tx, "pagerduty", "PANA"))
    assert ana == await db.read(lambda tx: directory.person_by_slack(tx, "U1"))
    actor = await db.write(lambda tx: directory.actor(tx, "pagerduty", "PANA", policy))
    assert actor.person is None and "e-mail" in actor.why_not
    await directory.refresh_group(policy, "paged")
    sources = {row.person: row.source for row in await db.read(lambda tx: tx.conn.execute(select(memberships)).all())}
    assert sorted(sources.values()) == ["pagerduty", "pagerduty-mail"] and sources[ana] == "pagerduty-mail"
    member = await db.write(lambda tx: directory.actor(tx, "slack", "T1/U1", policy))
    assert member.groups == frozenset()


async def test_an_address_of_two_people_is_ambiguous_and_of_none_unmapped(
    db: Database, directory: Directory, policy: Policy, slack: Slack, pagerduty: PagerDuty
) -> None:
    slack.users["U4"] = replace(slack.users["U4"], email="ana@example.com")
    pagerduty.entries.append(Entry(PdUser("PNEW", "New", "new@example.com")))
    for id in ("U1", "U4"):
        await directory.refresh_account("slack", f"T1/{id}")
    await directory.refresh_oncall(policy, "checkout")
    states = {row.id: row.state for row in await db.read(lambda tx: tx.conn.execute(select(accounts)).all())}
    assert (states["PANA"], states["PNEW"]) == ("ambiguous", "unmapped")
    assert [one.name for one in await db.read(lambda tx: directory.oncall(tx, "Payments primary"))] == ["Ben"]


async def test_on_call_stays_when_pagerduty_is_away_and_nothing_is_asked_for_a_quiet_service(
    db: Database, directory: Directory, policy: Policy, pagerduty: PagerDuty
) -> None:
    await directory.refresh_oncall(policy, "checkout")
    pagerduty.entries.append(Entry(PdUser("PCHI", "Chi"), level=2, schedule="", end="2026-11-23T08:00:00Z"))
    now = (await directory.on_call_now(["Payments primary"]))["Payments primary"].words
    assert now == ("1. Ben (Primary)", "2. Ana (Primary)", "2. Chi (until Mon 23 Nov 08:00 UTC)")
    pagerduty.down = True
    await directory.refresh_oncall(policy, "checkout")
    await directory.refresh_oncall(policy, "quiet")
    await directory.refresh_oncall(policy, "unknown")
    assert len(await db.read(lambda tx: directory.oncall(tx, "Payments primary"))) == 1
    assert await db.read(lambda tx: people.refresh_error(tx, "oncall:Payments primary")) == "PagerDuty said 429."


async def test_whom_to_page(db: Database, directory: Directory, policy: Policy, pagerduty: PagerDuty) -> None:
    await directory.refresh_account("slack", "T1/U1")
    await directory.refresh_account("slack", "T1/U3")
    ana = await db.read(lambda tx: directory.person_by_slack(tx, "U1"))
    chi = await db.read(lambda tx: directory.person_by_slack(tx, "U3"))
    assert ana and chi
    pagerduty.entries[1] = Entry(PdUser("PANA", "Ana", "ana@example.com"))
    assert await directory.pagerduty_user(ana) == "PANA"
    assert await directory.pagerduty_user(chi) is None
    await directory.refresh_oncall(policy, "checkout")
    ben = await db.read(lambda tx: directory.person_by_slack(tx, "U2"))
    assert ben and await directory.pagerduty_user(ben) == "PBEN"


async def test_not_configured_is_written_down_and_not_raised(db: Database, policy: Policy) -> None:
    bare = Directory(db, None, None, "T1")
    await bare.refresh_account("slack", "T1/U1")
    await bare.refresh_groups(policy)
    await bare.refresh_oncall(policy, "checkout")
    assert "not configured" in (await db.read(lambda tx: people.refresh_error(tx, "account:slack:T1/U1")) or "")
    found = await db.read(lambda tx: bare.members(tx, "listed"))
    assert [one.account_state for one in found] == ["unverified", "unverified"]


async def test_twenty_refreshes_at_once_tell_each_join_once(db: Database, directory: Directory, policy: Policy) -> None:
    await asyncio.gather(*(directory.refresh_group(policy, "sre") for _ in range(10)))
    types = await org_types(db)
    assert (types.count("group.joined"), types.count("person.seen")) == (2, 2)


async def test_the_one_who_votes_with_an_account_that_is_not_theirs_is_unmapped(
    db: Database, directory: Directory, policy: Policy
) -> None:
    await directory.refresh_group(policy, "sre")
    ben = await db.read(lambda tx: directory.person_by_slack(tx, "U2"))
    assert ben
    for account, state in ((("slack", "T1/U3"), "unmapped"), (("slack", "T1/U2"), "member"), (None, "member")):
        found = await db.read(lambda tx, using={ben: account}: directory.voters_by_id(tx, using))  # type: ignore[misc]
        assert found[ben].state == state


async def test_everyone_is_every_full_member(db: Database, directory: Directory, policy: Policy) -> None:
    await directory.refresh_groups(policy)
    await directory.refresh_account("slack", "T1/UG")
    found = await db.read(lambda tx: directory.members(tx, "everyone"))
    assert [one.name for one in found] == ["Ben", "Chi", "Dov"]


def test_a_group_lists_people_by_key_or_by_id_and_never_by_address() -> None:
    policy = parse_policy(
        "severities: {sev1: {title: outage}}\n"
        "people: {ben: {slack: U0BEN}, mail: {email: m@example.com}}\n"
        "groups: {sre: {people: [ben, U0CHI, m@example.com, mail]}}\n"
    )
    assert _listed(policy, policy.groups["sre"]) == ["U0BEN", "U0CHI"]
