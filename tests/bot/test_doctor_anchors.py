"""The doctor says where the record is anchored, and which place is broken."""

from __future__ import annotations

from typing import Any

from bot.doctor import examine
from bot.doctor_anchors import WHAT, places
from playbooks.policy import Policy, parse_policy
from playbooks.policy_anchors import Anchors, S3Place
from storage import anchors
from storage.db import Database

POLICY = "severities: { sev1: { title: outage } }\napprovals: { people: 2 }\n"


def policy(**rules: Any) -> Policy:
    return parse_policy(POLICY).model_copy(update={"anchors": Anchors(**rules)})


async def test_each_place_is_named_and_a_broken_one_says_why(db: Database) -> None:
    rules = policy(slack="#record", file="/var/anchors.jsonl", s3=S3Place(bucket="locked"))
    await db.write(lambda tx: anchors.told(tx, "org/1", {"s3": "AWS refused it: AccessDenied."}, ["file"]))
    found = await db.read(lambda tx: places(tx, rules))
    assert [(one.what, one.state) for one in found] == [(WHAT, "ok"), (WHAT, "ok"), (WHAT, "warning")]
    assert found[0].text.startswith("#record, every 5 min") and "AccessDenied" in found[2].text
    await db.write(lambda tx: anchors.told(tx, "org/2", {}, ["s3"]))
    assert {one.state for one in await db.read(lambda tx: places(tx, rules))} == {"ok"}


async def test_without_a_place_it_says_what_that_means(db: Database) -> None:
    (one,) = await db.read(lambda tx: places(tx, policy()))
    assert one.state == "missing" and "unseen" in one.text


async def test_the_doctor_looks(start: Any) -> None:
    app = await start()
    (one,) = [found for found in await examine(app.settings) if found.what == WHAT]
    assert one.state == "missing"
