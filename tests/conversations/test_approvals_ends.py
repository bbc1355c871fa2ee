"""How an approval ends without its quorum: time, a no, an approval taken back, and a yes and a no at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from storage import runs
from storage.tables import approvals
from storage.tables import runs as run_rows
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, EVE, RUN, Box

FOREVER = 1000 * 24 * 3600.0


async def _expires(town: Any, in_s: float) -> datetime:
    """Let it expire so many seconds from now, by the database's clock."""

    def work(tx: Any) -> datetime:
        at: datetime = tx.now + timedelta(seconds=in_s)
        tx.conn.execute(approvals.update().values(expires_at=at))
        tx.conn.execute(run_rows.update().where(run_rows.c.id == RUN).values(ready_at=at))  # when it is looked at next
        return at

    return await town.apps[0].db.write(work)


async def test_no_answer_by_the_deadline_is_a_refusal(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await _expires(town, -1)
    await town.sb.click(CHI, "#incidents", "Approve", ts=box.card.ts)
    await box.state("expired")
    await box.happened("approval.expired")
    await box.ended("paused")
    card = await town.sb.wait_for("#incidents", lambda m: m.ts == box.card.ts and "expired" in m.plain)
    assert not card.buttons and "/playbook retry" in card.plain
    await box.types(CHI, f"/playbook approve {RUN}", "expired")
    await box.holds((BEN, "approve", True), (CHI, "approve", False), (CHI, "approve", False))


async def test_nobody_needs_to_press_for_it_to_expire(town: Any, muster: Any) -> None:
    """The engine looks by itself, and a second approval afterwards is a new question with votes of its own."""
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await _expires(town, 0.5)
    await box.state("expired")
    await box.ended("paused")
    await box.types(EVE, f"/playbook retry {RUN}", "needs a new approval")
    box.card = await box.live(but=box.card.ts)
    await box.press(CHI, "1 of 2")
    await box.press(BEN, "it starts now")
    await box.ended()
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (BEN, "approve", True), reboots=1)


async def test_what_was_granted_in_time_does_not_start_late(town: Any, muster: Any) -> None:
    """At the boundary it is over: the deadline passes while Muster looks what would happen."""
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.latency("aws", 3.0, "DescribeDBInstances")
    await town.sb.click(CHI, "#incidents", "Approve", ts=box.card.ts)
    await box.happened("approval.granted")
    at = await _expires(town, 0.2)
    await box.state("expired")
    await box.ended("paused")
    (event,) = await town.events("org", "approval.expired")
    assert event.at >= at
    await box.holds((BEN, "approve", True), (CHI, "approve", True))


async def test_the_clock_of_the_process_decides_nothing(town: Any, muster: Any) -> None:
    """Years ahead and years behind: the database's clock says what is over."""
    box = await Box.asked(town)
    real = time.time
    with town.monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + FOREVER)
        await box.press(BEN, "1 of 2")
        await box.state("open")
    with town.monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() - FOREVER)
        await _expires(town, -0.001)
        await town.sb.click(CHI, "#incidents", "Approve", ts=box.card.ts)
        await box.state("expired")
        await box.happened("approval.voted", 2)
    asked = (await box.approvals())[0]
    assert abs((asked.decided_at - datetime.now(UTC)).total_seconds()) < 60
    await box.holds((BEN, "approve", True), (CHI, "approve", False))


async def test_a_no_stops_it_with_its_reason(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.click(CHI, "#incidents", "Deny", ts=box.card.ts)
    (view,) = await town.sb.wait_until(lambda: town.sb.views(CHI))
    before = {m.ts for m in await town.sb.messages("#incidents", CHI)}
    await town.sb.submit(CHI, {"reason": "the replica is behind"}, view_id=view.id)
    await box.told(CHI, "Denied", before)
    await box.state("denied")
    await box.ended("paused")
    await town.sb.wait_for("#incidents", lambda m: m.ts == box.card.ts and "denied" in m.plain and not m.buttons)
    await town.sb.wait_for("#incidents", lambda m: "the replica is behind" in m.plain)
    (vote,) = [v for v in await town.read(lambda tx: runs.votes_on(tx, f"{RUN}/1")) if v.choice == "deny"]
    assert vote.reason == "the replica is behind"
    await box.types(BEN, f"/playbook approve {RUN}", "Your vote changes nothing")
    await box.holds((BEN, "approve", True), (CHI, "deny", True), (BEN, "approve", False))


async def test_a_no_without_a_reason_stops_it_too(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.types(CHI, f"/playbook deny {RUN}", "Nothing was changed")
    await box.state("denied")
    await box.ended("paused")
    await box.holds((CHI, "deny", True))


async def test_only_who_may_approve_or_asked_can_say_no(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.types(EVE, f"/playbook deny {RUN} I do not like it", "Approving needs")
    await box.state("open")
    await box.types(ANA, f"/playbook deny {RUN} wrong service", "Denied")
    await box.state("denied")
    await box.ended("paused")
    await box.holds((EVE, "deny", False), (ANA, "deny", True))


async def test_an_approval_taken_back_before_the_start_does_not_count(town: Any, muster: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await box.types(BEN, f"/playbook revoke {RUN} wrong zone", "0 of 2")
    await box.press(CHI, "1 of 2")
    await box.types(EVE, f"/playbook revoke {RUN}", "You have approved nothing")
    await box.state("open")
    assert await town.reboots() == 0
    await box.press(BEN, "it starts now")
    await box.ended()
    await box.holds(
        (BEN, "approve", True), (BEN, "revoke", True), (CHI, "approve", True), (BEN, "approve", True), reboots=1
    )


async def test_a_granted_one_taken_back_before_the_start_does_not_start(town: Any, muster: Any) -> None:
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.latency("aws", 5.0, "DescribeDBInstances")  # Muster looks once more before it starts
    await town.sb.click(CHI, "#incidents", "Approve", ts=box.card.ts)
    await box.happened("approval.granted")
    await box.types(CHI, f"/playbook revoke {RUN}", "Nothing has started")
    await town.sb.latency("aws", 0, "DescribeDBInstances")
    (event,) = await box.happened("approval.revoked")
    assert event.body["started"] is False
    await box.live()
    await box.press(ANA, "does not count")
    await box.state("open")
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (CHI, "revoke", True), (ANA, "approve", False))


async def test_after_the_start_taking_it_back_asks_to_stop(town: Any, muster: Any) -> None:
    await town.sb.settings(reboot_seconds=4.0)
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await box.press(CHI, "it starts now")
    await box.state("used")
    await box.types(BEN, f"/playbook revoke {RUN}", "cannot be called back")
    (event,) = await box.happened("approval.revoked")
    assert event.body["started"] is True
    await box.ended("paused")
    states = [step.state for step in await town.read(lambda tx: runs.steps_of(tx, RUN))]
    assert states[0] == "succeeded" and set(states[2:]) == {"pending"}, "nothing more was started"
    await box.holds((BEN, "approve", True), (CHI, "approve", True), reboots=1)


async def test_a_yes_and_a_no_at_once_give_one_outcome(town: Any, muster: Any) -> None:
    """Either the no came first and nothing starts, or the yes did and the no is told that it started."""
    await town.sb.group("sre", add=[DOV])
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.together(
        {"act": "click", "user": CHI, "channel": "#incidents", "action_id": "Approve", "ts": box.card.ts},
        {"act": "type", "user": ANA, "channel": "#incidents", "text": f"/playbook deny {RUN} stop"},
    )
    await box.happened("approval.voted", 3)
    counted = {e.actor: e.body["counted"] for e in (await town.events("org", "approval.voted"))[1:]}
    yes, no = counted[await box.person(CHI)], counted[await box.person(ANA)]
    if no:
        await box.state("denied")
        await box.ended("paused")
    else:
        await box.ended()
    await box.holds((BEN, "approve", True), (CHI, "approve", yes), (ANA, "deny", no), reboots=int(not no))
