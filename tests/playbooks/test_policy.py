"""The policy: the example is good, mistakes are named with their line, rules only become stricter."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.action import Risk
from playbooks.errors import Refused
from playbooks.policy import Calendar, Override, Policy, load_policy, parse_policy

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
SMALL = """\
severities:
  sev1: {title: outage, aliases: [SEV-1, critical, 1]}
  sev2: {title: degraded}
roles:
  commander: {title: Incident commander, aliases: [ic]}
groups:
  sre: {slack: sre}
  dba: {people: [U0DBA, ben]}
people:
  ben: {slack: U0BEN}
services:
  checkout: {tier: 1, rto: 15m, rpo: 5m, site: primary, health_url: "http://a", resources: {cold: {health_url: "http://b"}}}
sites:
  primary: {kind: production}
  cold: {kind: cold}
  box: {kind: drill}
approvals:
  from: [sre, dba]
  groups: {sre: 1}
  requester: recoverable
  irreversible: {people: 3, expires: 5m}
  drill: {people: 1}
"""


@pytest.fixture(scope="module")
def small() -> Policy:
    return parse_policy(SMALL)


@pytest.fixture(scope="module")
def example() -> Policy:
    return load_policy(EXAMPLE)


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        parse_policy(text, "m.yaml")
    return caught.value.message


def test_example_says_what_the_sources_say(example: Policy) -> None:
    sev1, checkout = example.severities["sev1"], example.services["checkout"]
    assert (sev1.page_within, sev1.respond_within, sev1.commander_required) == (
        timedelta(0),
        timedelta(minutes=15),
        True,
    )
    assert example.severities["sev2"].page_within == timedelta(minutes=5)
    assert example.severities["sev3"].page_within is None
    assert example.severities["sev3"].customer_mail_within == timedelta(hours=24)
    assert (checkout.tier, checkout.rto, checkout.rpo) == (1, timedelta(minutes=15), timedelta(minutes=5))
    assert example.clocks["gdpr"].within == timedelta(hours=72)
    assert example.organisation.calendar.business_days_after(date(2026, 11, 20), 5) == date(2026, 11, 27)


def test_example_documents_every_key(example: Policy) -> None:
    """Whoever adds a section to the model adds it to its documentation."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for model in (
        example,
        example.severities["sev1"],
        example.approvals,
        example.permissions,
        example.services["checkout"],
    ):
        for name, info in type(model).model_fields.items():
            key = info.alias or name
            if key not in ("name", "recoverable"):
                assert f"{key}:" in text, f"{type(model).__name__}.{key} is not in the example"


def test_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKOUT_HEALTH_URL", "http://127.0.0.1:9/health")
    assert load_policy(EXAMPLE).services["checkout"].health_url == "http://127.0.0.1:9/health"
    monkeypatch.delenv("CHECKOUT_HEALTH_URL")
    assert load_policy(EXAMPLE).services["checkout"].health_url == "https://checkout.example.com/health"


def test_environment_is_for_addresses_only() -> None:
    assert "m.yaml:2: organisation.name: ${…} is only" in refusal(
        "organisation:\n  name: ${NAME:-x}\nseverities: {sev1: {title: a}}"
    )
    unset = "severities:\n  sev1: {title: a, bridge: '${MUSTER_TEST_UNSET}'}"
    assert "MUSTER_TEST_UNSET is not set" in refusal(unset)


def test_a_password_in_place_of_a_reference_is_not_repeated() -> None:
    text = "severities: {sev1: {title: a}}\nservices:\n  a: {tier: 1, rto: 1m, rpo: 1m, database: {dsn: 'postgres://u:hunter2@h/d'}}"
    message = refusal(text)
    assert "hunter2" not in message
    assert message.startswith("m.yaml:3: services.a.database.dsn")


def test_problems_name_line_and_nearest_word() -> None:
    message = refusal(
        "severities:\n  sev1: {title: a, alises: [x]}\n  sev2:\n    title: b\n    status_page: {mode: publsh}\n"
        "    page_within: 5\ngroups:\n  sre: {}\n"
    )
    lines = message.splitlines()
    assert "m.yaml:2: unknown key severities.sev1.alises, did you mean aliases?" in lines
    assert any(line.startswith("m.yaml:5: ") and line.endswith("did you mean publish?") for line in lines)
    assert any(line.startswith("m.yaml:6: ") and "no unit" in line for line in lines)
    assert any(line.startswith("m.yaml:8: ") and "people" in line for line in lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("from: [sre, dba]", "from: [sr]"), "there is no group sr, did you mean sre?"),
        (("site: primary", "site: primry"), "there is no site primry, did you mean primary?"),
        (("title: degraded", "title: degraded, aliases: [Sev 1]"), "sev1 already means sev1"),
        (("people: 3", "people: 1"), "approvals.irreversible.people asks for less"),
        (("expires: 5m", "expires: 1h"), "approvals.irreversible.expires asks for less"),
        (("people: 3,", "from: [comms],"), "there is no group comms"),
        (
            ("  from: [sre, dba]", "  from: [sre]\n  recoverable: {from: [dba]}"),
            "approvals.recoverable.from: Nobody could",
        ),
        (("aliases: [ic]", "aliases: [ic], default: nobody"), "roles.commander.default: nobody"),
    ],
)
def test_what_only_shows_across_sections(change: tuple[str, str], said: str) -> None:
    assert said in refusal(SMALL.replace(*change))


@pytest.mark.parametrize("said", ["sev1", "SEV-1", "Sev 1", "critical", "CRITICAL", "1"])
def test_severity_by_any_of_its_names(small: Policy, said: str) -> None:
    assert small.severity(said).name == "sev1"


def test_unknown_severity_says_what_there_is(small: Policy) -> None:
    with pytest.raises(Refused) as caught:
        small.severity("sev9", example="x")
    assert str(caught.value) == (
        "There is no severity **sev9**. There are sev1 (outage), sev2 (degraded). Try `/incident declare sev1 x`."
    )


def test_unknown_names_get_the_nearest(small: Policy) -> None:
    assert small.role("IC").name == "commander"
    with pytest.raises(Refused, match=r"\*\*chekout\*\*\. Did you mean \*\*checkout\*\*"):
        small.service("chekout")
    with pytest.raises(Refused, match="There are: sre, dba"):
        small.group("zzz")
    with pytest.raises(Refused, match=r"\*\*prim\*\*"):
        small.site("prim")


def test_a_service_has_its_resources_where_it_runs(small: Policy) -> None:
    service = small.service("checkout")
    assert service.scope()["health_url"] == "http://a"
    assert service.scope("cold")["health_url"] == "http://b"
    assert service.scope("cold")["rto"] == "15m"
    assert small.site_of(service) == small.sites["primary"]


def test_severity_scope_speaks_slack(example: Policy) -> None:
    sev1 = example.severity("sev1")
    assert example.severity_scope(sev1)["invite"] == {"users": [], "groups": ["sre", "comms"]}
    private = example.severity_scope(sev1, private=True)
    assert private["invite"] == {"users": [], "groups": ["security"]}
    assert private["status_page"]["mode"] == "none"
    assert sev1.status_page.mode == "draft", "the policy itself is untouched"


def test_people_of_groups_without_a_handle_are_invited_by_id() -> None:
    policy = parse_policy(SMALL.replace("title: degraded", "title: degraded, invite: {groups: [dba]}"))
    assert policy.severity_scope(policy.severity("sev2"))["invite"] == {"users": ["U0DBA", "U0BEN"], "groups": []}


def test_rules_by_risk(small: Policy) -> None:
    assert not small.rule_for(Risk.WRITE).needed
    recoverable, irreversible = small.rule_for(Risk.RECOVERABLE), small.rule_for(Risk.IRREVERSIBLE)
    assert (recoverable.people, recoverable.requester, recoverable.groups) == (2, "recoverable", (("sre", 1),))
    assert (irreversible.people, irreversible.requester, irreversible.expires_s) == (3, "never", 300.0)
    assert irreversible.source == "approvals + approvals.irreversible"


def test_a_playbook_only_asks_for_more(small: Policy) -> None:
    more = small.rule_for(Risk.RECOVERABLE, {"people": 3, "from": ["dba"], "requester": "never", "expires": "1h"})
    assert (more.people, more.from_, more.requester, more.expires_s) == (3, ("dba",), "never", 900.0)
    assert small.rule_for(Risk.RECOVERABLE, {"people": 1}).people == 2
    assert small.rule_for(Risk.WRITE, {"people": 1}).people == 1
    with pytest.raises(Refused, match="Nobody could approve"):
        small.rule_for(Risk.RECOVERABLE, {"from": ["comms"]})


def test_only_drills_at_drill_sites_ask_for_less(small: Policy) -> None:
    box, primary = small.sites["box"], small.sites["primary"]
    assert small.rule_for(Risk.RECOVERABLE, kind="drill", site=box).people == 1
    assert small.rule_for(Risk.RECOVERABLE, kind="drill", site=primary).people == 2
    assert small.rule_for(Risk.RECOVERABLE, kind="real", site=box).people == 2


def test_the_next_group_waits_for_a_third_of_the_rto(small: Policy) -> None:
    assert small.rule_for(Risk.RECOVERABLE, service=small.service("checkout")).next_group_after_s == 300.0


@given(
    people=st.none() | st.integers(1, 9),
    slots=st.dictionaries(st.sampled_from(["sre", "dba"]), st.integers(1, 4)),
    eligible=st.none() | st.lists(st.sampled_from(["sre", "dba", "everyone"]), min_size=1, max_size=3),
    requester=st.none() | st.sampled_from(["never", "recoverable"]),
    minutes=st.none() | st.integers(1, 500),
    risk=st.sampled_from([Risk.RECOVERABLE, Risk.IRREVERSIBLE]),
)
def test_no_override_is_ever_looser(
    people: int | None,
    slots: dict[str, int],
    eligible: list[str] | None,
    requester: str | None,
    minutes: int | None,
    risk: Risk,
) -> None:
    policy = parse_policy(SMALL)
    wanted: dict[str, Any] = {"people": people, "groups": slots, "from": eligible, "requester": requester}
    if minutes is not None:
        length = timedelta(minutes=minutes)
        wanted |= {"expires": length, "member_age": length, "directory_max_age": length, "ask_max_age": length}
    given_now = {key: value for key, value in wanted.items() if value is not None}
    base, rule = policy.rule_for(risk), policy.rule_for(risk, Override.model_validate(given_now))
    assert rule.people >= max(base.people, sum(dict(rule.groups).values()))
    assert all(dict(rule.groups).get(group, 0) >= count for group, count in base.groups)
    assert set(rule.from_) <= set(base.from_)
    assert base.requester == "recoverable" or rule.requester == "never"
    assert rule.expires_s <= base.expires_s and rule.member_age_s >= base.member_age_s
    assert rule.directory_max_age_s <= base.directory_max_age_s and rule.ask_max_age_s <= base.ask_max_age_s


def test_digest_guards_approvers_and_nothing_else(small: Policy) -> None:
    assert parse_policy(SMALL.replace("title: outage", "title: other")).digest() == small.digest()
    assert parse_policy(SMALL.replace("expires: 5m", "expires: 300s")).digest() == small.digest()
    for old, new in (
        ("slack: sre", "slack: sr"),
        ("people: 3", "people: 4"),
        ("ben: {slack: U0BEN}", "ben: {slack: U0EVE}"),
    ):
        assert parse_policy(SMALL.replace(old, new)).digest() != small.digest()


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 30))
def test_business_days(day: date, n: int) -> None:
    calendar = Calendar(holidays=(date(2026, 12, 24), date(2026, 12, 25)))
    due = calendar.business_days_after(day, n)
    between = [day + timedelta(days=i) for i in range(1, (due - day).days + 1)]
    assert calendar.is_business_day(due)
    assert sum(map(calendar.is_business_day, between)) == n


def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="MUSTER_CONFIG"):
        load_policy(tmp_path / "none.yaml")
