"""`statuspage.resolve`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Answer, Park
from playbooks.actions.statuspage.resolve import Resolve
from playbooks.connectors.statuspage import Statuspage
from playbooks.errors import Refused, Temporary, Uncertain

PATCH = "PATCH /incidents/{id}"


@pytest.fixture
async def incident(statuspage: Statuspage) -> str:
    made = await statuspage.create(
        "Checkout", "x", status="investigating", impact="major", markers={"marker": "INC-42"},
        components={"cmpcheckout": "major_outage"}, component_ids=["cmpcheckout"],
    )  # fmt: skip
    return made.id


async def test_its_components_work_again(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, incident: str
) -> None:
    step = Resolve(incident=incident, body="Fixed.")
    plan = await step.plan(world(statuspage))
    assert plan.effect == "Resolve “Checkout” on the status page; set checkout to operational: Fixed."
    assert (await step.verify(world(statuspage), None)).ok is None
    done = await step.run(act(statuspage))
    assert done.components == ("checkout",) and (await step.verify(world(statuspage), done)).ok is True
    again = await step.run(act(statuspage))
    assert again.incident == incident and len((await statuspage.incident(incident)).updates) == 2
    assert (await step.plan(world(statuspage))).notes == ("It is resolved already.",)


@pytest.mark.parametrize(
    ("mode", "happened"), [("timeout_after", True), ("close_after", True), ("timeout_before", False), ("503", False)]
)
async def test_reconcile_knows(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, incident: str, mode: str, happened: bool
) -> None:
    step = Resolve(incident=incident, body="Fixed.")
    await sb.fail("statuspage", PATCH, mode)
    with pytest.raises(Uncertain):
        await step.run(act(statuspage))
    found = await step.reconcile(world(statuspage))
    assert found.happened is happened and (found.outputs is not None) is happened


async def test_429(act: Any, statuspage: Statuspage, sb: SandboxClient, incident: str) -> None:
    await sb.fail("statuspage", PATCH, "429")
    with pytest.raises(Temporary):
        await Resolve(incident=incident, body="x").run(act(statuspage))


async def test_somebody_else_reads_it_first_where_policy_says_so(
    act: Any, world: Any, statuspage: Statuspage, incident: str
) -> None:
    step, one = Resolve(incident=incident, body="Fixed."), act(statuspage)
    one.scope = {"run": {"by_hand": True}, "severity": {"status_page": {"second_person": True}}}
    asked = await step.run(one)
    assert isinstance(asked, Park) and asked.question is not None and asked.question.shown == "Fixed."
    with pytest.raises(Refused, match="said no to these words"):
        await step.resume(one, Answer(person="P-B", choice="no", text=""))
    assert not (await statuspage.incident(incident)).resolved
    done = await step.resume(one, Answer(person="P-B", choice="publish", text=""))
    assert not isinstance(done, Park) and (await statuspage.incident(incident)).resolved
