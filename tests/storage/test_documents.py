"""Kept texts: one per key, found by id, key and stream."""

from __future__ import annotations

import asyncio
import hashlib

from storage import documents
from storage.db import Database


async def test_one_text_per_key(db: Database) -> None:
    keep = {"stream": "INC-1", "name": "INC-1-post-mortem.md", "key": "k1"}
    first = await db.write(lambda tx: documents.keep(tx, **keep, body="# Å"))
    assert first.sha256 == hashlib.sha256("# Å".encode()).hexdigest()
    assert await db.write(lambda tx: documents.keep(tx, **keep, body="another")) == first
    assert await db.read(lambda tx: documents.get(tx, first.id)) == first
    assert await db.read(lambda tx: documents.by_key(tx, "k1")) == first
    assert await db.read(lambda tx: documents.get(tx, "doc-none")) is None


async def test_the_same_key_at_once_is_kept_once(db: Database) -> None:
    kept = await asyncio.gather(
        *(
            db.write(lambda tx, n=n: documents.keep(tx, stream="INC-1", name="x", key="k", body=str(n)))
            for n in range(10)
        )
    )
    assert len({one.id for one in kept}) == 1
    assert len(await db.read(lambda tx: documents.of_stream(tx, "INC-1"))) == 1


async def test_everything_of_a_stream_in_order(db: Database) -> None:
    for n in range(3):
        await db.write(lambda tx, n=n: documents.keep(tx, stream="INC-1", name=f"{n}", key=f"k{n}", body=""))
    await db.write(lambda tx: documents.keep(tx, stream="INC-2", name="x", key="x", body=""))
    assert [one.name for one in await db.read(lambda tx: documents.of_stream(tx, "INC-1"))] == ["0", "1", "2"]
