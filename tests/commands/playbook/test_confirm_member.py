"""/playbook confirm-member"""

from __future__ import annotations

from typing import Any

from storage import people
from tests.commands.playbook.conftest import trusted


async def test_two_vouch_and_the_third_counts(talk: Any) -> None:
    await trusted(talk)
    await talk.member("Eve", "sre")
    said = await talk("Ben", "playbook confirm-member <@UEVE|eve> @sre")
    assert said.ok and "*D-1* Confirm Eve as an approver in @sre: 1 of 2 so far." in said.text
    assert "Chi can." in said.text
    assert not (await talk("Eve", "playbook confirm D-1")).ok
    assert "from now on" in (await talk("Chi", "playbook confirm D-1")).text
    (member,) = [one for one in await talk.read(lambda tx: people.members(tx, "sre")) if one.name == "Eve"]
    assert member.confirmed


async def test_what_is_refused_says_why(talk: Any) -> None:
    await trusted(talk)
    assert "counts in `@sre` already" in (await talk("Ben", "playbook confirm-member <@UCHI> sre")).text
    assert "is not in `@sre`" in (await talk("Ben", "playbook confirm-member <@UEVE> sre")).text
    assert "There is no group *sra*" in (await talk("Ben", "playbook confirm-member <@UEVE> sra")).text
