"""`statuspage.update`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Answer, Park
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


async def test_somebody_else_reads_it_first_where_policy_says_so(
    act: Any, statuspage: Statuspage, incident: str
) -> None:
    step, one = Update(incident=incident, status="monitoring", body="Checkout is back."), act(statuspage)
    one.scope = {"run": {"by_hand": True}, "severity": {"status_page": {"second_person": True}}}
    for asked in (await step.run(one), await step.resume(one, None)):
        assert isinstance(asked, Park) and asked.question is not None
        assert asked.question.another and asked.question.shown == "Checkout is back."
    with pytest.raises(Refused, match="said no to these words: too early"):
        await step.resume(one, Answer(person="P-B", choice="no", text="too early"))
    assert len((await statuspage.incident(incident)).updates) == 1, "nothing yet"
    done = await step.resume(one, Answer(person="P-B", choice="publish", text=""))
    assert not isinstance(done, Park) and len((await statuspage.incident(incident)).updates) == 2
    one.scope = {**one.scope, "run": {"by_hand": False}}  # its words were released on a card
    assert not isinstance(await step.run(one), Park)
