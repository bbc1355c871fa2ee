"""Streams are numbered without gaps, chained, never backwards, and say in one spelling what was appended."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from storage import verify
from storage.db import Database, Tx
from storage.tables import events, streams, texts
from storage.timeline import (
    Entry,
    append,
    event_digest,
    genesis,
    head,
    raw,
    read,
    text_digest,
)
from storage.types import from_iso, iso

NOTE = Entry("incident.note", "P-1", {"n": 1}, {"text": "hello"})


def test_format_1_is_what_it_says() -> None:
    """The record cannot be migrated: this hash was worked out once, with nothing but the standard library."""
    envelope = {
        "format": 1, "stream": "INC-42", "seq": 1, "type": "incident.declared", "at": "2026-11-22T14:02:00.000000Z",
        "source_at": None, "claimed_by": None, "actor": "P-ANA", "body": {"severity": "sev1", "é": [1, True, None]},
        "texts": {"title": "ab" * 32}, "prev": genesis("INC-42"),
    }  # fmt: skip
    by_hand = json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert event_digest(envelope) == hashlib.sha256(by_hand).hexdigest()
    assert event_digest(envelope) == "8bb62734638879a1ca09f0b181018fb2c427d8929384066d4abfc9b43886b4ce"
    assert genesis("INC-42") == hashlib.sha256(b"INC-42").hexdigest()
    assert text_digest("00ff", "é") == hashlib.sha256(b"\x00\xff" + "é".encode()).hexdigest()


async def test_what_was_appended_is_read_back(db: Database) -> None:
    claimed = datetime(2026, 11, 22, 13, 59, tzinfo=UTC)
    late = Entry("incident.time", "P-1", {"which": "detected"}, source_at=claimed, claimed_by="P-2")
    assert await db.write(lambda tx: append(tx, "INC-1", NOTE, late)) == [1, 2]
    first, second = await db.read(lambda tx: read(tx, "INC-1"))
    assert (first.type, first.actor, first.body, first.text()) == ("incident.note", "P-1", {"n": 1}, "hello")
    assert (first.when, first.claimed_by, first.text("none")) == (first.at, None, "")
    assert (second.when, second.claimed_by, second.seq) == (claimed, "P-2", 2)
    assert first.at.tzinfo is not None and second.at == first.at


async def test_a_stream_that_never_began(db: Database) -> None:
    nothing = await db.read(lambda tx: head(tx, "INC-9"))
    assert (nothing.seq, nothing.hash) == (0, genesis("INC-9"))
    assert await db.read(lambda tx: read(tx, "INC-9")) == []
    assert await db.read(lambda tx: list(raw(tx, "INC-9"))) == []
    assert await db.write(lambda tx: append(tx, "INC-9")) == []


async def test_reading_from_a_place_of_some_types(db: Database) -> None:
    entries = [Entry("a" if n % 2 else "b", "P-1", {"n": n}) for n in range(1, 8)]
    await db.write(lambda tx: append(tx, "INC-1", *entries))
    assert [e.seq for e in await db.read(lambda tx: read(tx, "INC-1", after=3, types=("a",)))] == [5, 7]
    assert [e.seq for e in await db.read(lambda tx: read(tx, "INC-1", limit=2))] == [1, 2]
    assert [row["seq"] for row in await db.read(lambda tx: list(raw(tx, "INC-1", batch=2)))] == [1, 2, 3, 4, 5, 6, 7]


async def test_bodies_hold_only_what_every_language_spells_alike(db: Database) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    body = {"float": 1.5, "time": moment, "deep": [{"t": (1, None, True)}], "text": "ÅØ \u2028 \U0001f525"}
    await db.write(lambda tx: append(tx, "INC-1", Entry("x", "P-1", body)))
    (event,) = await db.read(lambda tx: read(tx, "INC-1"))
    assert event.body == {
        **body,
        "float": "1.500",
        "time": "2026-01-02T03:04:05.000006Z",
        "deep": [{"t": [1, None, True]}],
    }
    assert verify.check("INC-1", await db.read(lambda tx: list(raw(tx, "INC-1")))).ok


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 2**60, "\ud800"])
async def test_what_cannot_be_made_canonical_is_refused_and_leaves_nothing(db: Database, value: object) -> None:
    await db.write(lambda tx: append(tx, "INC-1", NOTE))
    with pytest.raises(ValueError):
        await db.write(lambda tx: append(tx, "INC-1", NOTE, Entry("x", "P-1", {"v": value})))
    assert (await db.read(lambda tx: head(tx, "INC-1"))).seq == 1


async def test_a_rolled_back_append_leaves_no_gap(db: Database) -> None:
    def half(tx: Tx) -> None:
        append(tx, "INC-1", NOTE, NOTE)
        raise KeyError("no")

    await db.write(lambda tx: append(tx, "INC-1", NOTE))
    with pytest.raises(KeyError):
        await db.write(half)
    assert await db.write(lambda tx: append(tx, "INC-1", NOTE)) == [2]
    assert verify.check("INC-1", await db.read(lambda tx: list(raw(tx, "INC-1")))).ok


async def test_twenty_at_once_keep_the_chain(db: Database) -> None:
    work = [db.write(lambda tx: append(tx, "INC-1", NOTE, NOTE)) for _ in range(20)]
    numbers = sorted(n for pair in await asyncio.gather(*work) for n in pair)
    assert numbers == list(range(1, 41))
    assert all(verdict.ok for verdict in await db.read(verify.check_database))


async def test_two_handles_append_to_one_stream(url: str) -> None:
    handles = [Database(url), Database(url)]
    work = [handle.write(lambda tx: append(tx, "INC-1", NOTE)) for handle in handles for _ in range(10)]
    assert sorted(n for (n,) in await asyncio.gather(*work)) == list(range(1, 21))
    assert all(verdict.ok for verdict in await handles[0].read(verify.check_database))
    for handle in handles:
        await handle.close()


async def test_a_stream_never_runs_backwards(db: Database) -> None:
    await db.write(lambda tx: append(tx, "INC-1", NOTE))
    ahead = iso(datetime.now(UTC) + timedelta(hours=1))
    await db.write(lambda tx: tx.conn.execute(update(streams).values(at=ahead)))
    await db.write(lambda tx: append(tx, "INC-1", NOTE))
    first, second = await db.read(lambda tx: read(tx, "INC-1"))
    assert second.at == from_iso(ahead) > first.at


async def test_erasing_a_text_leaves_a_mark_and_a_chain(db: Database) -> None:
    await db.write(lambda tx: append(tx, "INC-1", NOTE))
    await db.write(lambda tx: tx.conn.execute(update(texts).values(text=None, salt=None, erased_at=tx.now)))
    (event,) = await db.read(lambda tx: read(tx, "INC-1"))
    assert event.text() == "(erased)"
    verdict = verify.check("INC-1", await db.read(lambda tx: list(raw(tx, "INC-1"))))
    assert (verdict.ok, verdict.erased) == (True, 1)


async def test_the_same_words_twice_have_different_digests(db: Database) -> None:
    await db.write(lambda tx: append(tx, "INC-1", NOTE, NOTE))
    first, second = await db.read(lambda tx: list(raw(tx, "INC-1")))
    assert first["texts"]["text"] != second["texts"]["text"]
    stored = await db.read(lambda tx: "".join(tx.conn.execute(select(events.c.body)).scalars()))
    assert "hello" not in stored


async def test_words_appended_are_hinted_once_committed(db: Database) -> None:
    heard: list[str] = []
    db.listen(heard.append)
    with pytest.raises(KeyError):
        await db.write(lambda tx: [append(tx, "INC-1", NOTE), {}["no"]])
    assert heard == []
    await db.write(lambda tx: append(tx, "INC-1", NOTE))
    assert heard == ["timeline"]
    await db.read(lambda tx: tx.conn.execute(text("SELECT 1")))
