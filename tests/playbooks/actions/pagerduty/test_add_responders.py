"""`pagerduty.add_responders`: each is asked once, and who cannot be is said."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.pagerduty.add_responders import AddResponders
from playbooks.connectors.pagerduty import PagerDuty, PdIncident
from playbooks.errors import Refused, Temporary, Uncertain

STEP = AddResponders(
    dedup_key="INC-42", emails=["chi@example.com", "eve@example.com"], policies=["PPOLPAY"], message="Join the bridge"
)
POST = "POST /incidents/{id}/responder_requests"


async def test_people_and_policies_are_asked_once(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident, effects: Any
) -> None:
    plan = await STEP.plan(world(pagerduty))
    assert "chi@example.com, eve@example.com, on call of PPOLPAY to join" in plan.effect
    done = await STEP.run(act(pagerduty))
    assert (done.asked, done.already, done.not_asked) == (("chi@example.com", "PPOLPAY"), (), ("eve@example.com",))
    assert (await STEP.verify(world(pagerduty), done)).ok is True and "unknown to PagerDuty: eve" in STEP.say(done)
    shown = (await sb.pagerduty())["incidents"][0]
    assert [one["user"]["summary"] for one in shown["incidents_responders"]] == ["Chi", "Ben"]
    assert shown["assignments"][0]["assignee"]["summary"] == "Ben", "it stays with whom it is"
    again = await STEP.run(act(pagerduty))
    assert (again.asked, again.already) == ((), ("chi@example.com", "PPOLPAY")) and await effects(
        "pagerduty", POST
    ) == 1
    other = done.model_copy(update={"ids": ("PUSRNEW",)})
    assert (await STEP.verify(world(pagerduty), other)).ok is None


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("timeout_after", Uncertain)])
async def test_a_lost_answer_is_repeated_and_asks_once(
    act: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident, effects: Any, mode: str, kind: type[Exception]
) -> None:
    await sb.fail("pagerduty", POST, mode)
    with pytest.raises(kind):
        await STEP.run(act(pagerduty))
    await STEP.run(act(pagerduty))
    assert await effects("pagerduty", POST) == 1


async def test_it_refuses_and_nobody_is_asked(
    act: Any, world: Any, pagerduty: PagerDuty, sandbox: Sandbox, sb: SandboxClient, page: PdIncident
) -> None:
    with pytest.raises(ValidationError, match="name `emails`"):
        AddResponders(dedup_key="INC-42", message="Join")
    with pytest.raises(Refused, match=r"no user with these e-mails: eve@example\.com\. Nobody was asked"):
        await STEP.model_copy(update={"emails": ["eve@example.com"], "policies": []}).run(act(pagerduty))
    with pytest.raises(Refused, match="target not found"):
        await STEP.model_copy(update={"policies": ["PNONE"]}).run(act(pagerduty))
    sandbox.pagerduty.abilities.remove("coordinated_responding")
    with pytest.raises(Refused, match="no responder requests") as refused:
        await STEP.run(act(pagerduty))
    assert "page_people" in refused.value.todo
    sandbox.pagerduty.abilities.append("coordinated_responding")
    await sb.resolve_page("INC-42", "U0BEN")
    for call in (STEP.plan(world(pagerduty)), STEP.run(act(pagerduty))):
        with pytest.raises(Refused, match="was resolved"):
            await call
