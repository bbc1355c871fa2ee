"""`pagerduty.unpage_people`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.page_people import PagePeople
from playbooks.actions.pagerduty.unpage_people import UnpagePeople
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.errors import Temporary

WHO = ["ben@example.com", "chi@example.com"]
STEP = UnpagePeople(emails=[*WHO, "eve@example.com"], key="INC-42-2")


async def test_open_pages_of_the_key_are_ended_and_no_others(act: Any, pagerduty: PagerDuty, sb: SandboxClient) -> None:
    await PagePeople(emails=WHO, title="Approve", key="INC-42-2").run(act(pagerduty))
    await PagePeople(emails=WHO[:1], title="Another", key="INC-42-3").run(act(pagerduty))
    done = await STEP.run(act(pagerduty))
    assert len(done.ended) == 2
    assert "2 pages" in STEP.say(done)
    open_ones = [one for one in (await sb.pagerduty())["incidents"] if one["status"] != "resolved"]
    assert [one["title"] for one in open_ones] == ["Another"]
    assert (await STEP.run(act(pagerduty))).ended == (), "a repeat finds nothing to do"


async def test_a_busy_pagerduty_is_temporary_and_repeating_ends_the_rest(
    act: Any, pagerduty: PagerDuty, sb: SandboxClient
) -> None:
    await PagePeople(emails=WHO, title="Approve", key="INC-42-2").run(act(pagerduty))
    await sb.fail("pagerduty", "PUT /incidents/{id}", "429")
    with pytest.raises(Temporary):
        await STEP.run(act(pagerduty))
    assert len((await STEP.run(act(pagerduty))).ended) == 2
