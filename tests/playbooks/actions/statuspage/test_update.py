"""`statuspage.update`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.statuspage.update import Update
from playbooks.connectors.statuspage import Statuspage
from playbooks.errors import Refused, Temporary, Uncertain

PATCH = "PATCH /incidents/{id}"


@pytest.fixture
async def incident(statuspage: Statuspage) -> str:
    made = await statuspage.create(
        "Checkout", "x", status="investigating", impact="major", markers={"marker": "INC-42"}
    )
    return made.id


async def test_it_publishes_what_the_plan_said(act: Any, world: Any, statuspage: Statuspage, incident: str) -> None:
    step = Update(incident=incident, status="monitoring", body="Checkout is back.")
    assert (await step.plan(world(statuspage))).effect == (
        "Update “Checkout” to monitoring; subscribers are notified: Checkout is back."
    )
    done = await step.run(act(statuspage))
    assert done.status == "monitoring" and (await statuspage.incident(incident)).updates[0].body == "Checkout is back."


@pytest.mark.parametrize(
    ("mode", "happened"), [("timeout_after", True), ("close_after", True), ("timeout_before", False), ("503", False)]
)
async def test_reconcile_knows(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, incident: str, mode: str, happened: bool
) -> None:
    step = Update(incident=incident, status="monitoring", body="Checkout is back.")
    await sb.fail("statuspage", PATCH, mode)
    with pytest.raises(Uncertain):
        await step.run(act(statuspage))
    assert (await step.reconcile(world(statuspage))).happened is happened
    assert len((await statuspage.incident(incident)).updates) == 1 + happened


async def test_429_and_unknown(act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, incident: str) -> None:
    await sb.fail("statuspage", PATCH, "429")
    with pytest.raises(Temporary):
        await Update(incident=incident, status="identified", body="x").run(act(statuspage))
    with pytest.raises(Refused):
        await Update(incident="nothing", status="identified", body="x").plan(world(statuspage))
