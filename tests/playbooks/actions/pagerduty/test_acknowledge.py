"""`pagerduty.acknowledge`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.acknowledge import Acknowledge
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.errors import Temporary, Uncertain

STEP = Acknowledge(dedup_key="INC-42")


async def test_rest_must_show_it(act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, settled: Any) -> None:
    await pagerduty.trigger("INC-42", "checkout is down")
    await settled(lambda: pagerduty.incident_by_key("INC-42"))
    await sb.settings(pagerduty_delay=1.5)
    assert "INC-42" in (await STEP.plan(world(pagerduty))).effect
    done = await STEP.run(act(pagerduty))
    look = await STEP.verify(world(pagerduty), done)
    assert look.ok is None and "still triggered" in look.text

    async def seen() -> bool | None:
        return (await STEP.verify(world(pagerduty), done)).ok

    assert await settled(seen)
    assert (await sb.pagerduty())["incidents"][0]["status"] == "acknowledged"


async def test_nothing_open_and_already_resolved_are_fine(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, settled: Any
) -> None:
    done = await STEP.run(act(pagerduty))
    look = await STEP.verify(world(pagerduty), done)
    assert look.ok is True and "nothing to acknowledge" in look.text
    await pagerduty.trigger("INC-42", "checkout is down")
    await settled(lambda: pagerduty.incident_by_key("INC-42"))
    await sb.resolve_page("INC-42", "U0BEN")
    done = await STEP.run(act(pagerduty))
    assert (await STEP.verify(world(pagerduty), done)).ok is True


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("500", Uncertain), ("timeout_after", Uncertain)])
async def test_failures(act: Any, pagerduty: PagerDuty, sb: SandboxClient, mode: str, kind: type[Exception]) -> None:
    await sb.fail("pagerduty", "POST /v2/enqueue", mode)
    with pytest.raises(kind):
        await STEP.run(act(pagerduty))
