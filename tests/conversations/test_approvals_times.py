"""Times of an approval from outside: the rungs of calling survive a restart, words that cross have one order, and a
database clock that steps back gives no negative length anywhere."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from storage import documents, runs
from storage.db import Tx
from storage.tables import runs as run_rows
from storage.tables import timers
from tests.conversations.conftest import POLICY
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, RUN, Box

NEGATIVE = re.compile(r"(?<![\w:.-])-\d+(\.\d+)? ?(ms|s|min|h|days?)\b")


async def test_the_next_group_is_called_by_whoever_lives_then(town: Any, tmp_path: Path) -> None:
    """The first replica asks and is stopped; the second one's clock takes the rung, once, and an answer ends it."""
    text = POLICY.read_text(encoding="utf-8").replace("  from: [sre] ", "  from: [sre, comms] ")
    file = tmp_path / "muster.yaml"
    file.write_text(text.replace("next_group: [oncall]", "next_group: [comms]"), encoding="utf-8")
    first = await town.muster(policy=file)
    box = await Box.asked(town)
    await first.stop()
    town.apps.remove(first)
    await town.muster(policy=file, replica="two")
    (row,) = await town.read(lambda tx: tx.conn.execute(select(timers).where(timers.c.kind == "approvers")).all())
    asked = (await box.approvals())[0]
    assert (row.subject, row.state, row.payload) == (asked.id, "pending", {"rung": 1})
    assert row.due_at - asked.opened_at == timedelta(minutes=5), "a third of checkout's RTO"
    assert not set(asked.paged) & {await box.person(DOV)}
    now = update(timers).where(timers.c.kind == "approvers")
    await town.apps[0].db.write(lambda tx: tx.conn.execute(now.values(due_at=tx.now)) and None)
    (rung,) = await box.happened("approval.escalated")
    dov = await box.person(DOV)
    assert (rung.body["group"], rung.body["called"]) == ("comms", [dov])

    async def messaged() -> bool:
        calls = select(run_rows.c.inputs, run_rows.c.state).where(run_rows.c.playbook == "comms/page-approvers")
        found = await town.read(lambda tx: tx.conn.execute(calls.order_by(run_rows.c.number)).all())
        return len(found) == 2 and found[1].inputs["users"] == [DOV] and found[1].state in ("succeeded", "incomplete")

    await town.sb.wait_until(messaged, timeout=30)
    await box.press(BEN, "1 of 2")
    await box.press(DOV, "it starts now")
    await box.ended()
    await town.apps[0].db.write(lambda tx: tx.conn.execute(now.values(due_at=tx.now, state="pending")) and None)

    async def fired() -> bool:
        query = select(timers.c.state).where(timers.c.kind == "approvers")
        return (await town.read(lambda tx: tx.conn.execute(query).scalar())) == "fired"

    await town.sb.wait_until(fired, timeout=30)
    assert len(await town.events("org", "approval.escalated")) == 1, "what is decided calls nobody"
    await box.holds((BEN, "approve", True), (DOV, "approve", True), reboots=1)


async def test_yes_and_no_that_cross_on_two_replicas_have_one_order(town: Any) -> None:
    await town.sb.group("sre", add=[DOV])
    await town.muster(replica="one")
    if not town.url.startswith("sqlite"):
        await town.muster(replica="two")
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    await town.sb.together(
        {"act": "click", "user": CHI, "channel": "#incidents", "action_id": "Approve", "ts": box.card.ts},
        {"act": "type", "user": DOV, "channel": "#incidents", "text": f"/playbook deny {RUN} stop"},
        {"act": "type", "user": BEN, "channel": "#incidents", "text": f"/playbook revoke {RUN}"},
    )

    async def settled() -> bool:
        voted, revoked = await town.events("org", "approval.voted"), await town.events("org", "approval.revoked")
        return len(voted) >= 3 and (len(voted) >= 4 or bool(revoked))

    await town.sb.wait_until(settled, timeout=30)
    kinds = ("approval.voted", "approval.granted", "approval.denied", "approval.revoked", "step.started")
    told = [e for e in await town.events("org", *kinds) if e.body.get("uses", "aws.rds_failover") == "aws.rds_failover"]
    types = [event.type for event in told]
    assert types.count("step.started") <= 1 and types.count("approval.denied") <= 1
    if "step.started" in types:
        assert "approval.denied" not in types[types.index("step.started") :], "what has started is not denied"
    if "approval.denied" in types:
        assert "step.started" not in types[types.index("approval.denied") :], "what was denied does not start"
        await box.state("denied")
    await town.proven()


async def test_a_clock_that_steps_back_gives_no_negative_length(town: Any, muster: Any) -> None:
    """The database's clock goes back by seconds between request and start: order and digests hold, lengths are none."""
    back = {"s": 0.0}
    real = Tx.now.fget  # type: ignore[attr-defined]
    town.monkeypatch.setattr(Tx, "now", property(lambda tx: real(tx) - timedelta(seconds=back["s"])))
    channel = await town.declared()
    card = await town.asked(channel)
    await town.presses(BEN, channel, "Approve", card, "1 of 2")
    back["s"] = 8.0
    await town.presses(CHI, channel, "Approve", card, "it starts now")

    async def over() -> Any:
        found = await town.read(lambda tx: [run for run in runs.of_incident(tx, "INC-1") if run.shown])
        return found and found[-1].state == "succeeded"

    await town.sb.wait_until(over, timeout=60)
    back["s"] = 12.0
    await town.says(ANA, channel, "/playbook status", "failover/rds-multi-az")
    await town.says(ANA, channel, "/incident status", "INC-1")
    await town.says(ANA, channel, "/incident resolve failed over", "resolved")

    async def drafted() -> Any:
        return await town.read(lambda tx: documents.of_stream(tx, "INC-1"))

    (document, *_) = await town.sb.wait_until(drafted, timeout=60)
    text = document.body
    shown = [m.plain for m in await town.sb.messages(channel, ANA)]
    assert not [found for words in [*shown, text] if (found := NEGATIVE.search(words))]
    times = [event.at for event in await town.events("INC-1")]
    assert times == sorted(times)
    await town.proven()
