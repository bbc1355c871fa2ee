"""`statuspage.create`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.statuspage.create import Create
from playbooks.connectors.statuspage import Statuspage
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Create(
    title="Checkout is down", body="We are on it.", marker="INC-42", components=["checkout"], impact="critical"
)
CREATE = "POST /incidents"


async def test_it_publishes_what_the_plan_said(act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient) -> None:
    plan = await STEP.plan(world(statuspage))
    assert plan.effect == (
        "Publish “Checkout is down” (investigating, critical, components checkout); "
        "subscribers are notified: We are on it."
    )
    done = await STEP.run(act(statuspage))
    page = await sb.statuspage()
    incident = page["incidents"][0]
    assert (incident["id"], incident["impact"], incident["shortlink"]) == (done.incident, "critical", done.url)
    assert next(c for c in page["components"] if c["id"] == "cmpcheckout")["status"] == "major_outage"
    assert (await STEP.verify(world(statuspage), done)).ok is True
    assert dict(STEP.facts) == {"status_page_incident": "incident", "status_page_url": "url"}


async def test_the_same_marker_is_not_published_twice(act: Any, statuspage: Statuspage, sb: SandboxClient) -> None:
    first, second = await STEP.run(act(statuspage, key="a")), await STEP.run(act(statuspage, key="b"))
    assert first == second and len((await sb.statuspage())["incidents"]) == 1
    await statuspage.update(first.incident, body="over", status="resolved")
    third = await STEP.run(act(statuspage, key="c"))
    assert third.incident != first.incident


@pytest.mark.parametrize(
    ("mode", "happened"),
    [("timeout_after", True), ("close_after", True), ("timeout_before", False), ("500", False), ("reset", False)],
)
async def test_reconcile_knows(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await sb.fail("statuspage", CREATE, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(statuspage))
    found = await STEP.reconcile(world(statuspage))
    assert found.happened is happened and (not happened or found.outputs.url.startswith("https://"))
    await STEP.run(act(statuspage))
    assert len((await sb.statuspage())["incidents"]) == 1


async def test_quietly_and_without_components(act: Any, statuspage: Statuspage, sb: SandboxClient) -> None:
    await Create(title="a", body="b", marker="m", impact="none", deliver_notifications=False).run(act(statuspage))
    assert (await sb.statuspage())["notified"] == []


async def test_429_and_unknown_components(act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient) -> None:
    with pytest.raises(Refused, match="chekout"):
        await Create(title="a", body="b", marker="m", components=["chekout"]).plan(world(statuspage))
    await sb.fail("statuspage", CREATE, "429")
    with pytest.raises(Temporary):
        await STEP.run(act(statuspage))
