"""`pagerduty.trigger`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.trigger import Trigger
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.secrets import SecretRef

STEP = Trigger(
    dedup_key="INC-42", summary="checkout is down", details={"severity": "sev1"}, link="https://example.com/c"
)


async def test_it_pages_and_verify_waits_for_the_incident(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, settled: Any
) -> None:
    plan = await STEP.plan(world(pagerduty))
    assert plan.effect == "Page the on-call through PagerDuty (critical): checkout is down"
    await sb.settings(pagerduty_delay=1.5)
    done = await STEP.run(act(pagerduty))
    assert (await STEP.verify(world(pagerduty), done)).ok is None  # 202 is not "incident exists" (contract C1)

    async def seen() -> Any:
        look = await STEP.verify(world(pagerduty), done)
        return look if look.ok else None

    look = await settled(seen)
    incident = (await sb.pagerduty())["incidents"][0]
    assert look.facts["page"] == incident["id"] and look.facts["page_url"].startswith("https://")
    assert "Payments primary paged" in look.text and dict(STEP.facts) == {"page_key": "dedup_key"}


@pytest.mark.parametrize(
    ("mode", "kind"), [("429", Temporary), ("503", Uncertain), ("timeout_after", Uncertain), ("close_after", Uncertain),
                       ("error:bad", Refused)]
)  # fmt: skip
async def test_failures_and_repeating_with_the_same_key(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, settled: Any, mode: str, kind: type[Exception]
) -> None:
    await sb.fail("pagerduty", "POST /v2/enqueue", mode)
    with pytest.raises(kind):
        await STEP.run(act(pagerduty))
    done = await STEP.run(act(pagerduty))

    async def seen() -> bool | None:
        return (await STEP.verify(world(pagerduty), done)).ok

    assert await settled(seen)
    assert len((await sb.pagerduty())["incidents"]) == 1


async def test_a_page_already_dealt_with_counts_and_an_old_one_does_not(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, settled: Any
) -> None:
    done = await STEP.run(act(pagerduty))

    async def there() -> bool:
        return bool((await sb.pagerduty())["incidents"])

    await settled(there)
    await sb.resolve_page("INC-42", "U0BEN")
    assert (await STEP.verify(world(pagerduty), done)).ok is True
    late = world(pagerduty)
    late.started_at = late.now.replace(year=late.now.year + 1)
    assert (await STEP.verify(late, done)).ok is None


async def test_without_rest_key_it_still_pages(act: Any, world: Any, env: dict[str, str], sb: SandboxClient) -> None:
    pagerduty = PagerDuty("", routing_key=env["PAGERDUTY_ROUTING_KEY"], events_url=env["PAGERDUTY_EVENTS_URL"])
    done = await STEP.run(act(pagerduty))
    look = await STEP.verify(world(pagerduty), done)
    await pagerduty.close()
    assert look.ok is True and "not checked" in look.text


def test_a_routing_key_is_a_reference_and_stays_one() -> None:
    step = Trigger(dedup_key="a", summary="b", routing_key="env://TEAM_KEY")
    assert step.routing_key == SecretRef("env://TEAM_KEY")
    assert step.model_dump(mode="json")["routing_key"] == "env://TEAM_KEY"
