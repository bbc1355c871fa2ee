"""`pagerduty.escalate`: the next layer is paged once, and only where there is one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.escalate import Escalate
from playbooks.connectors.pagerduty import PagerDuty, PdIncident
from playbooks.errors import NotConfigured, Refused, Temporary, Uncertain

STEP = Escalate(dedup_key="INC-42")
PUT = "PUT /incidents/{id}"


async def _told(sb: SandboxClient, kind: str) -> bool:
    return any(one["event_type"] == kind for one in (await sb.pagerduty())["webhooks"])


async def test_the_second_layer_is_paged_and_a_repeat_pages_nobody(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident, effects: Any
) -> None:
    await pagerduty.acknowledge("INC-42")
    await sb.wait_until(lambda: _told(sb, "incident.acknowledged"))
    plan = await STEP.plan(world(pagerduty))
    assert plan.effect == "Escalate the PagerDuty incident of INC-42 to level 2: page Chi"
    done = await STEP.run(act(pagerduty))
    assert (done.people, done.already) == (("Chi",), False) and STEP.say(done) == "Escalated to level 2: Chi paged"
    assert (await STEP.verify(world(pagerduty), done)).ok is True
    shown = (await sb.pagerduty())["incidents"][0]
    assert (shown["status"], [one["assignee"]["summary"] for one in shown["assignments"]]) == ("triggered", ["Chi"])
    await sb.wait_until(lambda: _told(sb, "incident.escalated"))
    again = await STEP.run(act(pagerduty))
    assert again.already and "had the page already" in STEP.say(again) and await effects("pagerduty", PUT) == 1
    assert (await STEP.plan(world(pagerduty))).effect.startswith("Leave the PagerDuty incident")
    await pagerduty.escalate(page.id, 1)
    assert (await STEP.verify(world(pagerduty), done)).ok is None, "verify is not fooled"


@pytest.mark.parametrize(("mode", "kind"), [("429", Temporary), ("timeout_after", Uncertain)])
async def test_a_lost_answer_is_repeated_and_pages_once(
    act: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident, effects: Any, mode: str, kind: type[Exception]
) -> None:
    await sb.fail("pagerduty", PUT, mode)
    with pytest.raises(kind):
        await STEP.run(act(pagerduty))
    done = await STEP.run(act(pagerduty))
    assert done.already is (kind is Uncertain) and await effects("pagerduty", PUT) == 1


async def test_it_refuses_what_cannot_be_and_says_that_nobody_was_paged(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident, env: dict[str, str]
) -> None:
    third = STEP.model_copy(update={"level": 3})
    for call in (third.plan(world(pagerduty)), third.run(act(pagerduty))):
        with pytest.raises(Refused, match=r"Payments has no level 3, only 2\. Nobody was paged"):
            await call
    with pytest.raises(Refused, match=r"not a level of the escalation policy"):
        await pagerduty.escalate(page.id, 3)
    with pytest.raises(Refused, match=r"no incident of INC-7"):
        await Escalate(dedup_key="INC-7").plan(world(pagerduty))
    nobody = PagerDuty(env["PAGERDUTY_API_KEY"], api_url=env["PAGERDUTY_API_URL"])
    with pytest.raises(NotConfigured, match=r"From user"):
        await STEP.run(act(nobody))
    await nobody.close()
    await sb.post("pagerduty/on_call", rows=[["PPOLPAY", 1, "PUSRBEN"]])
    with pytest.raises(Refused, match=r"Nobody is on call at level 2"):
        await STEP.run(act(pagerduty))
    await sb.resolve_page("INC-42", "U0BEN")
    with pytest.raises(Refused, match=r"was resolved\. Nobody was paged"):
        await STEP.run(act(pagerduty))
    with pytest.raises(Refused, match=r"Incident Already Resolved"):
        await pagerduty.escalate(page.id, 1)
