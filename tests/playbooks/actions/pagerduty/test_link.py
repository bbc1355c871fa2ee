"""`pagerduty.link`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.link import Link
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.errors import Temporary, Uncertain

STEP = Link(dedup_key="INC-42", summary="checkout is down", link="https://example.com/c", link_text="#inc-42")


async def test_the_link_joins_the_open_alert(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, settled: Any
) -> None:
    await pagerduty.trigger("INC-42", "checkout is down")
    await settled(lambda: pagerduty.incident_by_key("INC-42"))
    assert "https://example.com/c" in (await STEP.plan(world(pagerduty))).effect
    done = await STEP.run(act(pagerduty))
    assert (await STEP.verify(world(pagerduty), done)).ok is True and STEP.say(done) == "#inc-42 linked to the page"
    sent = (await sb.calls("pagerduty", "POST /v2/enqueue"))[-1]["arguments"]
    assert sent["links"] == [{"href": "https://example.com/c", "text": "#inc-42"}] and sent["dedup_key"] == "INC-42"
    assert len((await sb.pagerduty())["incidents"]) == 1


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("timeout_after", Uncertain)])
async def test_failures(act: Any, pagerduty: PagerDuty, sb: SandboxClient, mode: str, kind: type[Exception]) -> None:
    await sb.fail("pagerduty", "POST /v2/enqueue", mode)
    with pytest.raises(kind):
        await STEP.run(act(pagerduty))
