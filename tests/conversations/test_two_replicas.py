"""Two replicas on one PostgreSQL: whoever receives, whoever runs, it happens once.

On SQLite one process is the runner by design; there both votes go to one App at the same moment.
"""

from __future__ import annotations

from typing import Any

from storage import runs
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, RUN, Box


async def _two(town: Any) -> list[Any]:
    """As many replicas as the database allows."""
    replicas = [await town.muster(replica="one")]
    if not town.url.startswith("sqlite"):
        replicas.append(await town.muster(replica="two"))
    return replicas


def _press(user: str, box: Box) -> dict[str, Any]:
    return {"act": "click", "user": user, "channel": "#incidents", "action_id": "Approve", "ts": box.card.ts}


async def _taken(town: Any) -> list[int]:
    """Asks received per replica: Slack sends to any connection."""
    found = []
    for app in town.apps:
        found.append(app.metrics.registry.get_sample_value("muster_asks_received_total", {"kind": "button"}) or 0)
    return found


async def test_two_last_votes_at_once_give_one_start(town: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    replicas = await _two(town)
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.together(_press(CHI, box), _press(DOV, box))
    await box.ended()
    await box.happened("approval.voted", 3)
    assert len(await town.events("org", "approval.granted")) == 1
    started = [e for e in await town.events("org", "step.started") if e.body["uses"] == "aws.rds_failover"]
    assert len(started) == 1
    last = {e.actor: e.body["counted"] for e in (await town.events("org", "approval.voted"))[1:]}
    assert any(last.values())
    if len(replicas) > 1:
        assert min(await _taken(town)) >= 1, "both replicas received presses"
    chi, dov = await box.person(CHI), await box.person(DOV)
    await box.holds((BEN, "approve", True), (CHI, "approve", last[chi]), (DOV, "approve", last[dov]), reboots=1)


async def test_both_votes_of_the_quorum_at_once(town: Any) -> None:
    """Neither sees the other's vote before its own: together they are two, and it starts once."""
    await _two(town)
    box = await Box.asked(town)
    await town.sb.together(_press(BEN, box), _press(CHI, box))
    await box.ended()
    assert len(await town.events("org", "approval.granted")) == 1
    await box.holds((BEN, "approve", True), (CHI, "approve", True), reboots=1)


async def test_the_same_press_at_both_replicas_is_one_vote(town: Any) -> None:
    await _two(town)
    box = await Box.asked(town)
    await town.sb.fail("delivery", "interactive", "duplicate_delivery", times=2)
    await town.sb.click(BEN, "#incidents", "Approve", ts=box.card.ts)
    await town.sb.click(BEN, "#incidents", "Approve", ts=box.card.ts)
    await box.happened("approval.voted", 2)
    await box.press(CHI, "it starts now")
    await box.ended()
    await box.holds((BEN, "approve", True), (BEN, "approve", False), (CHI, "approve", True), reboots=1)


async def test_a_run_outlives_the_replica_that_began_it(town: Any) -> None:
    """Asked for at one replica, which stops while people decide: the other counts, starts and finishes."""
    first = await town.muster(replica="one")
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await first.stop()
    town.apps.remove(first)
    await town.muster(replica="two")
    await box.press(BEN, "already counts")
    await box.press(ANA, "does not count")
    await box.press(CHI, "it starts now")
    await box.ended()
    steps = await town.read(lambda tx: runs.steps_of(tx, RUN))
    assert [step.started_by for step in steps] == ["one", "two", "two", "two"]
    await box.holds(
        (BEN, "approve", True), (BEN, "approve", False), (ANA, "approve", False), (CHI, "approve", True), reboots=1
    )


async def test_a_replica_that_stops_after_the_start_leaves_the_rest_to_the_other(town: Any) -> None:
    """The failover is on its way when its replica is told to end: its outcome is kept, the other one goes on."""
    await town.sb.settings(reboot_seconds=2.0)
    first = (await _two(town))[0]
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.click(CHI, "#incidents", "Approve", ts=box.card.ts)
    await box.state("used")
    started = (await town.read(lambda tx: runs.steps_of(tx, RUN)))[1].started_by
    ending = next((app for app in town.apps if app.settings.muster_replica == started), first)
    town.apps.remove(ending)
    await ending.stop()
    if not town.apps:
        await town.muster(replica="two")
    await box.ended()
    steps = await town.read(lambda tx: runs.steps_of(tx, RUN))
    assert steps[-1].started_by != started and all(step.state == "succeeded" for step in steps)
    await box.holds((BEN, "approve", True), (CHI, "approve", True), reboots=1)
