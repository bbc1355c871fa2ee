"""/playbook review"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from playbooks.policy import ApprovalRule
from storage import reviews
from storage.db import Tx
from storage.tables import approvals
from tests.storage.test_reviews import ASKED


def alone(tx: Tx, person: str) -> None:
    """Somebody decided alone in INC-1/2, under a rule of sre."""
    row = {
        **ASKED,
        "rule": ApprovalRule(from_=("sre",), member_age_s=0).model_dump(mode="json"),
        "plan": {"effect": "Reboot orders-db"},
    }
    row |= {"id": "INC-1/2/1", "run": "INC-1/2", "opened_at": tx.now, "expires_at": tx.now}
    tx.conn.execute(insert(approvals).values(row))
    reviews.open(tx, "break-glass", "INC-1/2/1", "INC-1/2", person, tx.now)


async def test_a_second_person_accepts_or_objects(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    ben = await talk.member("Ben", "sre")
    assert "No run of INC-1 waits for a review" in (await talk("Chi", "playbook review accept")).text
    await talk.house.db.write(lambda tx: alone(tx, ben))
    assert "second person must look" in (await talk("Ben", "playbook review INC-1/2 accept")).text
    assert "Reviewing needs" in (await talk("Eve", "playbook review INC-1/2 accept")).text
    assert "needs a reason" in (await talk("Chi", "playbook review object")).text
    reply = await talk("Chi", "playbook review object the replica was behind")
    assert reply.ok and "everyone is told: Reboot orders-db" in reply.text
    (done,) = await talk.events("INC-1", "review.done")
    assert (done.body["state"], done.text("reason")) == ("objected", "the replica was behind")
    refused = await talk.events("INC-1", "review.refused")
    assert [event.body["why"] for event in refused] == ["self", "group", "no reason"]
    again = await talk("Chi", "playbook review INC-1/2 accept")
    assert not again.ok and "has been done: objected" in again.text
