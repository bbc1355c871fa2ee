"""Sessions: found by their cookie alone, replaced in time, over when nobody uses them, ended for good."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from storage import sessions, timeline
from storage.db import Database, Tx
from storage.tables_sessions import sessions as rows


async def aged(db: Database, **back: timedelta) -> None:
    """As if these times of every session were so much longer ago."""

    def work(tx: Tx) -> None:
        tx.conn.execute(update(rows).values({name: tx.now - by for name, by in back.items()}))

    await db.write(work)


async def test_a_session_is_its_cookie(db: Database) -> None:
    made, token = await db.write(lambda tx: sessions.begin(tx, "T1/U1", "P-ANA"))
    assert await db.read(lambda tx: sessions.find(tx, token)) == made
    kept = await db.read(lambda tx: tx.conn.execute(select(rows)).mappings().one())
    assert token not in map(str, kept.values()), "whoever reads the table can sign in as nobody"
    for other in ("", made.id, kept["digest"], token[:-1]):
        assert await db.read(lambda tx, other=other: sessions.find(tx, other)) is None
    assert not await db.read(lambda tx: sessions.due(tx, made))
    assert await db.write(lambda tx: sessions.use(tx, made, token)) is None
    await db.write(lambda tx: sessions.end(tx, made, "P-ANA"))
    await db.write(lambda tx: sessions.end(tx, made, "P-ANA"))
    assert await db.read(lambda tx: sessions.find(tx, token)) is None
    told = await db.read(lambda tx: [e.type for e in timeline.read(tx, "org")])
    assert told == ["session.opened", "session.ended"]


async def test_its_cookie_is_replaced_and_the_old_one_dies(db: Database) -> None:
    _, token = await db.write(lambda tx: sessions.begin(tx, "T1/U1", "P-ANA"))
    await aged(db, rotated_at=sessions.ROTATE + timedelta(seconds=1))
    found = await db.read(lambda tx: sessions.find(tx, token))
    assert found and await db.read(lambda tx: sessions.due(tx, found))
    fresh = await db.write(lambda tx: sessions.use(tx, found, token))
    assert fresh and await db.write(lambda tx: sessions.use(tx, found, token)) is None, "two at once: one new cookie"
    assert await db.read(lambda tx: sessions.find(tx, fresh)) and await db.read(lambda tx: sessions.find(tx, token))
    await aged(db, former_until=timedelta(seconds=1))
    assert await db.read(lambda tx: sessions.find(tx, token)) is None
    assert await db.read(lambda tx: sessions.find(tx, fresh))


async def test_it_ends_unused_and_at_the_latest_after_a_week(db: Database) -> None:
    _, token = await db.write(lambda tx: sessions.begin(tx, "T1/U1", "P-ANA"))
    await aged(db, seen_at=sessions.IDLE + timedelta(seconds=1))
    assert await db.read(lambda tx: sessions.find(tx, token)) is None
    await aged(db, seen_at=timedelta(0))
    assert await db.read(lambda tx: sessions.find(tx, token))
    await aged(db, expires_at=timedelta(seconds=1))
    assert await db.read(lambda tx: sessions.find(tx, token)) is None
    await db.write(lambda tx: sessions.begin(tx, "T1/U2", "P-BEN"))
    left = await db.read(lambda tx: tx.conn.execute(select(rows.c.account)).scalars().all())
    assert left == ["T1/U2"], "what is over is cleared away"
