"""/playbook join"""

from __future__ import annotations

from typing import Any

from playbooks.policy import parse_policy
from storage import people
from tests.commands.conftest import POLICY
from tests.commands.playbook.conftest import trusted


def administered(talk: Any) -> None:
    """Chi's group administers."""
    policy = parse_policy(POLICY.replace("permissions: {", "permissions: { administer: boss,").replace(
        "groups:\n", "groups:\n  boss: { people: [chi] }\n").replace("people:\n  ben", "people:\n  chi: { slack: UCHI }\n  ben"))  # fmt: skip
    talk.house.policy = policy
    talk.house.engine.house.policy = policy


async def test_asking_is_a_yes_and_a_second_person_completes_it(talk: Any) -> None:
    administered(talk)
    await talk.member("Chi", "boss")
    await trusted(talk)
    said = await talk("Ben", "playbook join <@UBEN|ben> pagerduty:pben9")
    assert said.ok and "*D-1* Join the PagerDuty account PBEN9 to Ben: 1 of 2 so far." in said.text
    assert "one person now" in (await talk("Chi", "playbook confirm D-1")).text
    found = await talk.read(lambda tx: people.account(tx, "pagerduty", "PBEN9"))
    assert found.person == (await talk.read(lambda tx: people.account(tx, "slack", "T1/UBEN"))).person


async def test_two_accounts_of_the_workspace(talk: Any) -> None:
    administered(talk)
    await talk.member("Chi", "boss")
    await talk.member("Benny", "sre")
    await trusted(talk)
    await talk("Chi", "playbook join <@UBEN|ben> <@UBENNY|benny>")
    assert "one person now" in (await talk("Ben", "playbook confirm D-1")).text
    both = await talk.read(lambda tx: [people.account(tx, "slack", f"T1/U{one}").person for one in ("BEN", "BENNY")])
    assert both[0] == both[1]


async def test_what_is_refused_says_why(talk: Any) -> None:
    assert "names none" in (await talk("Ben", "playbook join <@UBEN> pagerduty:PX1")).text
    administered(talk)
    assert "not an account" in (await talk("Ben", "playbook join <@UBEN> ben@example.com")).text
    assert "never seen" in (await talk("Ben", "playbook join me <@UGHOST>")).text
    assert "does not know that account" in (await talk("Ben", "playbook join <@UGHOST> pagerduty:PX1")).text
