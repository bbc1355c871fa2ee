"""Anchors as an auditor finds them: in Slack and in a file at the approval, and what they show that the database
cannot."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text

from bot import record
from storage import anchors, verify
from storage.audit import verify as alone
from storage.db import Database, Tx
from storage.tables import events, streams, texts, timers
from storage.timeline import ORG
from tests.conversations.conftest import POLICY

RULES = """
anchors:
  every: 1h
  slack: "#general"
  file: {file}
  s3: {{ bucket: not-there-at-all, retain: 30d }}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The example with three places, one of which is broken."""
    example = re.sub(r"^anchors:\n(?:[ #].*\n)+", "", POLICY.read_text(encoding="utf-8"), flags=re.MULTILINE)
    file = tmp_path / "muster.yaml"
    file.write_text(example + RULES.format(file=tmp_path / "anchors.jsonl"), encoding="utf-8")
    return file


async def lines(path: Path, stream: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [one for one in found if one["stream"] == stream]


def forget(stream: str) -> Any:
    """Take an incident out of the database as somebody with all its keys could."""

    def work(tx: Tx) -> None:
        if tx.sqlite:
            for name in tx.conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                tx.conn.execute(text(f"DROP TRIGGER {name}"))
        else:
            tx.conn.execute(text("SET session_replication_role = replica"))
        for table, column in ((texts, texts.c.stream), (events, events.c.stream), (streams, streams.c.name)):
            tx.conn.execute(delete(table).where(column == stream))

    return work


async def test_an_approval_is_anchored_at_once_and_the_anchor_finds_what_was_taken_away(
    town: Any, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = await town.muster(policy=policy)
    file = tmp_path / "anchors.jsonl"
    channel = await town.declared()
    card = await town.asked(channel)
    await town.presses("U0BEN", channel, "Approve", card, "1 of 2")
    await town.presses("U0CHI", channel, "Approve", card, "it starts now")
    (granted,) = await town.events("INC-1", "approval.granted")

    async def anchored() -> bool:
        return any(one["seq"] >= granted.seq for one in await lines(file, "INC-1"))

    await town.sb.wait_until(anchored, timeout=60)
    one = next(one for one in await lines(file, "INC-1") if one["seq"] >= granted.seq)
    name = f"INC-1@{one['seq']}:sha256:{one['hash']}"
    said = await town.sb.wait_for("#general", lambda m: name in m.text, timeout=60)
    assert f"INC-1 anchored at {one['seq']}: `{name}`" in said.text and "sealed" not in said.text

    async def told() -> bool:
        rows = await town.read(lambda tx: anchors.of_stream(tx, "INC-1"))
        return {"slack", "file"} == {row.place for row in rows if row.seq == one["seq"]}

    await town.sb.wait_until(told, timeout=60)
    (broken,) = await town.events(ORG, "anchor.broken")
    assert broken.body["place"] == "s3" and "NoSuchBucket" in broken.text("error")
    assert [m for m in await town.sb.messages(channel) if "anchored at" in m.plain] == [], "said nowhere else"
    await town.sb.wait_for(channel, lambda m: "finished" in m.plain and "failover/rds-multi-az" in m.plain, timeout=30)
    await town.proven()

    outside, _ = alone.read_anchors(str(file))
    for verdict in await town.read(lambda tx: verify.check_database(tx, outside)):
        assert verdict.ok and verdict.agreed, verdict
    await app.stop()
    town.apps.clear()
    assert await asyncio.to_thread(record.verified, town.url, [str(file)]) == 0
    await _written(town.url, forget("INC-1"))
    await _written(town.url, lambda tx: tx.conn.execute(delete(timers)))
    capsys.readouterr()
    assert await asyncio.to_thread(record.verified, town.url, [str(file)]) == 1
    assert "INC-1" in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("❌"))


async def _written(url: str, work: Any) -> None:
    db = Database(url)
    await db.write(work)
    await db.close()
