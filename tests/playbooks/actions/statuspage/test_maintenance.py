"""`statuspage.maintenance`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.statuspage.create import Create
from playbooks.actions.statuspage.maintenance import Maintenance, Scheduled
from playbooks.actions.statuspage.resolve import Resolve
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.statuspage import Statuspage
from playbooks.errors import Refused, Temporary, Uncertain

POST = "POST /incidents"


@pytest.fixture
def step(now: datetime) -> Maintenance:
    begins = (now + timedelta(days=7)).replace(microsecond=0)
    return Maintenance(
        title="Failover test", body="Brief interruptions.", begins=begins, ends=begins + timedelta(hours=4),
        marker="DRILL-7", components=["checkout"],
    )  # fmt: skip


async def test_it_is_announced_once_and_completed(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, step: Maintenance, effects: Any
) -> None:
    plan = await step.plan(world(statuspage))
    when = f"{step.begins:%Y-%m-%d %H:%M} UTC to {step.ends:%Y-%m-%d %H:%M} UTC"
    assert plan.effect == (
        f"Announce maintenance of checkout “Failover test”, {when}; subscribers are notified: Brief interruptions."
    )
    assert plan.targets == ("statuspage", "statuspage:cmpcheckout") and await effects("statuspage", POST) == 0
    beside = Create(title="Down", body="x", marker="DRILL-7")  # its incident is no maintenance
    await beside.run(act(statuspage, key="key-0"))
    done = await step.run(act(statuspage))
    assert done.status == "scheduled" and (await step.verify(world(statuspage), done)).ok is True
    assert await step.run(act(statuspage, key="key-2")) == done and await effects("statuspage", POST) == 2
    (published, _) = (await sb.statuspage())["incidents"][::-1]
    assert (published["impact"], published["metadata"]["muster"]["key"]) == ("maintenance", "key-1")
    later = step.model_copy(update={"ends": step.ends + timedelta(hours=1)})
    assert (await later.verify(world(statuspage), done)).ok is False
    over = Resolve(incident=done.incident, body="Done sooner.")
    ended = await over.run(act(statuspage))
    assert (await over.verify(world(statuspage), ended)).ok and (await statuspage.incident(done.incident)).resolved
    assert (await step.run(act(statuspage, key="key-3"))).incident != done.incident


async def test_times_that_cannot_be_are_refused(
    act: Any, world: Any, statuspage: Statuspage, step: Maintenance, now: datetime, effects: Any
) -> None:
    for change, words in (
        ({"ends": step.begins}, "before it begins"), ({"begins": now - timedelta(minutes=1)}, "is past"),
        ({"components": ["none"]}, "no component none"),
    ):  # fmt: skip
        wrong = step.model_copy(update=change)
        for call in (wrong.plan(world(statuspage)), wrong.run(act(statuspage))):
            with pytest.raises(Refused, match=words):
                await call
    assert await effects("statuspage", POST) == 0
    done = await step.run(act(statuspage))
    with pytest.raises(ServiceRefused, match="not valid for this kind"):  # the stand-in refuses what Statuspage refuses
        await statuspage.update(done.incident, body="x", status="resolved")


@pytest.mark.parametrize(("mode", "happened"), [("timeout_after", True), ("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_its_marker(
    act: Any, world: Any, statuspage: Statuspage, sb: SandboxClient, step: Maintenance, mode: str, happened: bool
) -> None:
    await sb.fail("statuspage", POST, mode)
    with pytest.raises(Uncertain):
        await step.run(act(statuspage))
    found = await step.reconcile(world(statuspage))
    assert found.happened is happened
    if happened:
        assert isinstance(found.outputs, Scheduled)
        assert (await step.verify(world(statuspage), found.outputs)).ok is True


async def test_throttled_did_not_happen(act: Any, statuspage: Statuspage, sb: SandboxClient, step: Maintenance, effects: Any) -> None:  # fmt: skip
    await sb.fail("statuspage", POST, "429")
    with pytest.raises(Temporary):
        await step.run(act(statuspage))
    assert await effects("statuspage", POST) == 0
