"""A quorum nobody can reach is said to whoever asked, once, with the way out; a decided approval calls nobody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from playbooks.policy import ApprovalRule
from storage.tables import approvals, runs
from tests.storage.test_reviews import ASKED


async def _asked(talk: Any, **more: Any) -> None:
    rule = ApprovalRule(from_=("sre",)).model_dump(mode="json")
    row = {**ASKED, "rule": rule, "plan": {"effect": "Reboot orders-db"}, "state": "open", "digest": "9f2c44aabb00ff"}
    row |= {"id": "INC-1/2/1", "run": "INC-1/2", "reason": "The quorum cannot be reached: one is missing.", **more}

    def work(tx: Any) -> None:
        at = {"opened_at": tx.now, "expires_at": tx.now.replace(year=tx.now.year + 1)}
        tx.conn.execute(insert(approvals).values({**row, **at}))

    await talk.house.db.write(work)


async def test_the_asker_is_told_with_the_way_out(talk: Any, fire: Any, sent: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    await _asked(talk)
    await sent()
    await fire("approvers INC-1/2/1")
    (body,) = await sent()
    assert "nobody can complete it now" in body["text"] and "one is missing" in body["text"]
    assert "/playbook break-glass INC-1/2 rules=people code=… &lt;reason&gt;" in body["text"]
    (button,) = body["buttons"]
    assert button["line"] == "playbook break-glass INC-1/2 9f2c44aabb00 rules=people"
    await fire("approvers INC-1/2/1")
    assert await sent() == [], "said once"


async def test_a_decided_one_says_and_calls_nothing(talk: Any, fire: Any, sent: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    await _asked(talk, state="granted")
    await sent()
    await fire("approvers INC-1/2/1")
    await fire("approvers INC-9/9/9")
    assert await sent() == []
    await talk.house.db.write(lambda tx: tx.conn.execute(update(approvals).values(state="denied")) and None)
    await fire("approvers INC-1/2/1")
    called = select(runs.c.id).where(runs.c.playbook == "comms/page-approvers")
    assert await talk.read(lambda tx: tx.conn.execute(called).scalars().all()) == []
