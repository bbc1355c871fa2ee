"""`statuspage.components`: each says what it should, and the way back to what it said."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.statuspage.components import Components, Shown
from playbooks.connectors.statuspage import Statuspage
from playbooks.errors import Refused, Temporary, Uncertain

PATCH = "PATCH /components/{id}"
STEP = Components(components=["checkout", "auth"], state="major_outage")


async def states(page: Statuspage) -> list[str]:
    return [one.status for one in await page.components()]


async def test_they_are_set_once_and_back(act: Any, world: Any, statuspage: Statuspage, effects: Any) -> None:
    await statuspage.set_component("cmpauth", "partial_outage")
    plan = await STEP.plan(world(statuspage))
    assert plan.effect == (
        "Set components of the status page: checkout operational -> major_outage, auth partial_outage -> major_outage"
    )
    assert plan.targets == ("statuspage:cmpcheckout", "statuspage:cmpauth")
    done = await STEP.run(act(statuspage))
    assert done.old_states == {"cmpcheckout": "operational", "cmpauth": "partial_outage"}
    assert (await STEP.verify(world(statuspage), done)).ok and Components.leaves(done.model_dump())
    assert STEP.say(done) == "Status page: checkout, auth major_outage"
    with pytest.raises(Refused, match="already"):
        await STEP.run(act(statuspage))
    assert (await STEP.verify_undo(world(statuspage), done)).ok is None
    assert (await STEP.reconcile_undo(world(statuspage), done)).happened is False
    back = await STEP.plan_undo(world(statuspage), done)
    assert back.effect.endswith("checkout major_outage -> operational, auth major_outage -> partial_outage")
    await STEP.undo(act(statuspage), done)
    assert await states(statuspage) == ["operational", "partial_outage", "operational"]
    assert (await STEP.verify_undo(world(statuspage), done)).ok
    assert (await STEP.reconcile_undo(world(statuspage), done)).happened is True
    assert (await STEP.verify(world(statuspage), done)).ok is None  # not fooled by an earlier success
    with pytest.raises(Refused, match="Changed since"):
        await STEP.undo(act(statuspage), done)
    assert await effects("statuspage", PATCH) == 5


async def test_what_says_so_is_left_alone_and_what_says_otherwise_is_refused(
    act: Any, world: Any, statuspage: Statuspage, effects: Any
) -> None:
    await statuspage.set_component("cmpauth", "major_outage")
    plan = await STEP.plan(world(statuspage))
    assert plan.effect.endswith(": checkout operational -> major_outage") and "auth" in plan.notes[0]
    for change, words in (
        ({"components": ["chekout"]}, "There are: auth, booking, checkout"), ({"from_state": "partial_outage"}, "not partial"),
    ):  # fmt: skip
        step = STEP.model_copy(update=change)
        for call in (step.plan(world(statuspage)), step.run(act(statuspage))):
            with pytest.raises(Refused, match=words):
                await call
    assert await effects("statuspage", PATCH) == 1
    done = await STEP.run(act(statuspage))
    assert done.old_states == {"cmpcheckout": "operational"}
    await STEP.undo(act(statuspage), done)
    assert await states(statuspage) == ["operational", "major_outage", "operational"]


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_the_state(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, mode: str, happened: bool
) -> None:
    step = Components(components=["checkout"], state="major_outage", from_state="operational")
    await sb.fail("statuspage", PATCH, mode)
    with pytest.raises(Uncertain):
        await step.run(act(statuspage))
    found = await step.reconcile(world(statuspage))
    assert found.happened is happened
    if happened:
        assert isinstance(found.outputs, Shown)
        await step.undo(act(statuspage), found.outputs)
        assert await states(statuspage) == ["operational"] * 3


async def test_half_of_it_is_for_a_person(act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient) -> None:
    await sb.fail("statuspage", PATCH, "429")
    with pytest.raises(Temporary):  # the first: nothing was set
        await STEP.run(act(statuspage))
    assert await states(statuspage) == ["operational"] * 3
    await sb.fail("statuspage", PATCH, "429", after=1)
    with pytest.raises(Uncertain, match="1 of 2"):  # the second: never said not to have happened
        await STEP.run(act(statuspage))
    assert (await STEP.reconcile(world(statuspage))).happened is None
    await statuspage.set_component("cmpauth", "major_outage")
    found = await STEP.reconcile(world(statuspage))
    assert found.happened and isinstance(found.outputs, Shown) and not Components.leaves(found.outputs.model_dump())
    with pytest.raises(Refused, match="not known"):
        await STEP.undo(act(statuspage), found.outputs)
