"""`pagerduty.page_people`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.page_people import PagePeople
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.errors import Refused, Temporary, Uncertain

STEP = PagePeople(
    emails=["ben@example.com", "eve@example.com", "chi@example.com"], title="Approve INC-42/2", key="INC-42-2"
)


async def test_each_gets_a_page_and_who_does_not_is_said(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient
) -> None:
    assert "ben@example.com, eve@example.com" in (await STEP.plan(world(pagerduty))).effect
    done = await STEP.run(act(pagerduty))
    assert done.paged == ("ben@example.com", "chi@example.com") and len(set(done.pages)) == 2
    assert len(done.not_paged) == 1 and done.not_paged[0].startswith("eve@example.com: ")
    assert "not paged: eve" in STEP.say(done)
    again = await STEP.run(act(pagerduty))
    assert again.pages == done.pages and len((await sb.pagerduty())["incidents"]) == 2


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("500", Uncertain), ("timeout_after", Uncertain)])
async def test_when_nobody_was_paged_the_step_fails_and_repeating_pages_once(
    act: Any, pagerduty: PagerDuty, sb: SandboxClient, mode: str, kind: type[Exception]
) -> None:
    step = PagePeople(emails=["ben@example.com"], title="x", key="k")
    await sb.fail("pagerduty", "POST /incidents", mode)
    with pytest.raises(kind):
        await step.run(act(pagerduty))
    await step.run(act(pagerduty))
    assert len((await sb.pagerduty())["incidents"]) == 1


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("close_after", Uncertain)])
async def test_who_could_not_be_paged_now_is_paged_when_it_is_tried_again(
    act: Any, pagerduty: PagerDuty, sb: SandboxClient, mode: str, kind: type[Exception]
) -> None:
    await sb.fail("pagerduty", "POST /incidents", mode)
    with pytest.raises(kind, match=r"Paged chi@example.com, not ben@example.com, eve@example.com: "):
        await STEP.run(act(pagerduty))
    assert (await STEP.run(act(pagerduty))).paged == ("ben@example.com", "chi@example.com")
    assert len((await sb.pagerduty())["incidents"]) == 2, "nobody is paged twice"


async def test_nobody_known_is_refused(act: Any, pagerduty: PagerDuty) -> None:
    with pytest.raises(Refused, match="no user"):
        await PagePeople(emails=["eve@example.com"], title="x", key="k").run(act(pagerduty))
