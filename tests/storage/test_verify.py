"""Each way of bending the record is named, from a database and from an exported file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from storage import incidents, verify
from storage.db import Database, Tx
from storage.tables import events, streams, texts
from storage.tables import incidents as incident_rows
from storage.timeline import Entry, append, event_digest, genesis, raw

S = events.c.stream == "INC-1"


async def filled(db: Database) -> None:
    """INC-1 with five events, anchored on the org stream at three, and an untouched INC-2."""

    def work(tx: Tx) -> None:
        incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-1")
        append(tx, "INC-1", Entry("incident.note", "P-1", {"n": 2}, {"text": "two"}), Entry("a", "P-1", {"n": 3}))
        incidents.anchor(tx, "INC-1")
        append(tx, "INC-1", Entry("b", "P-1", {"n": 4}), Entry("c", "P-1", {"n": 5}))
        incidents.open_incident(tx, title="other", severity="sev3", by="P-1")

    await db.write(work)
    assert all(verdict.ok for verdict in await db.read(verify.check_database))


async def bend(db: Database, work: Callable[[Tx], object]) -> None:
    """What somebody with the database's own keys could do: the triggers are gone first."""

    def open_up(tx: Tx) -> None:
        if tx.sqlite:
            names = tx.conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                tx.conn.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("events", "texts"):
                tx.conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))

    await db.write(open_up)
    await db.write(work)


async def bad(db: Database) -> dict[str, str]:
    return {one.stream: one.bad for one in await db.read(verify.check_database) if not one.ok}


def row(tx: Tx, seq: int) -> dict[str, Any]:
    return dict(tx.conn.execute(select(events).where(S, events.c.seq == seq)).mappings().one())


def change(seq: int, **values: Any) -> Callable[[Tx], object]:
    return lambda tx: tx.conn.execute(update(events).where(S, events.c.seq == seq).values(**values))


def remove(*seqs: int) -> Callable[[Tx], object]:
    return lambda tx: tx.conn.execute(delete(events).where(S, events.c.seq.in_(seqs)))


def inserted(tx: Tx) -> None:
    """A sixth event whose own hash is right but which names the wrong event before it; the head is moved too."""
    forged = {**row(tx, 5), "seq": 6, "prev": "0" * 64}
    packed = json.loads(forged["body"])
    envelope = {k: forged[k] for k in verify.ENVELOPE if k not in ("body", "texts")}
    forged["hash"] = event_digest({**envelope, **packed})
    tx.conn.execute(insert(events).values(forged))
    tx.conn.execute(update(streams).where(streams.c.name == "INC-1").values(seq=6, hash=forged["hash"]))


def swapped(tx: Tx) -> None:
    first, second = row(tx, 3), row(tx, 4)
    for seq, other in ((3, second), (4, first)):
        tx.conn.execute(update(events).where(S, events.c.seq == seq).values({**other, "seq": seq}))


def renumbered(tx: Tx) -> None:
    tx.conn.execute(update(events).where(S, events.c.seq == 5).values(seq=7))


def cut_with_head(last: int) -> Callable[[Tx], None]:
    """Cut the tail and make the head fit: only what the org stream remembers can tell."""

    def work(tx: Tx) -> None:
        tx.conn.execute(delete(events).where(S, events.c.seq > last))
        found = row(tx, last)
        tx.conn.execute(update(streams).where(streams.c.name == "INC-1").values(seq=last, hash=found["hash"]))

    return work


def rewritten(tx: Tx) -> None:
    """The whole chain written anew, each hash right: only what the org stream remembers can tell."""
    prev = genesis("INC-1")
    for seq in range(1, 6):
        found = row(tx, seq)
        packed = json.loads(found["body"])
        packed["body"]["n"] = 99
        envelope = {k: found[k] for k in verify.ENVELOPE if k not in ("body", "texts", "prev")}
        digest = event_digest({**envelope, **packed, "prev": prev})
        change(seq, body=json.dumps(packed), prev=prev, hash=digest)(tx)
        prev = digest
    tx.conn.execute(update(streams).where(streams.c.name == "INC-1").values(hash=prev))


def deleted_stream(tx: Tx) -> None:
    tx.conn.execute(delete(texts).where(texts.c.stream == "INC-1"))
    tx.conn.execute(delete(events).where(S))
    tx.conn.execute(delete(streams).where(streams.c.name == "INC-1"))


def deleted_incident(tx: Tx) -> None:
    deleted_stream(tx)
    tx.conn.execute(delete(incident_rows).where(incident_rows.c.id == "INC-1"))


@pytest.mark.parametrize(
    ("work", "named"),
    [
        (change(3, body=json.dumps({"body": {"n": 4}, "texts": {}})), "event 3 of INC-1: its content"),
        (change(3, type="other"), "event 3 of INC-1: its content"),
        (change(3, actor="P-9"), "event 3 of INC-1: its content"),
        (change(3, at="2026-01-01T00:00:00.000000Z"), "event 3 of INC-1: its content"),
        (change(3, source_at="2026-01-01T00:00:00.000000Z"), "event 3 of INC-1: its content"),
        (change(3, claimed_by="P-9"), "event 3 of INC-1: its content"),
        (change(3, hash="0" * 64), "event 3 of INC-1: its content"),
        (change(3, format=2), "event 3 of INC-1: format 2 is not known"),
        (remove(1), "event 2 of INC-1: number 1 was expected"),
        (remove(3), "event 4 of INC-1: number 3 was expected"),
        (inserted, "event 6 of INC-1: it does not name the event before it"),
        (swapped, "event 3 of INC-1: it does not name the event before it"),
        (renumbered, "event 7 of INC-1: number 5 was expected"),
        (remove(5), "INC-1 ends at event 4, its head says 5"),
        (remove(1, 2, 3, 4, 5), "INC-1 ends at event 0, its head says 5"),
        (cut_with_head(2), "event 3 of INC-1 is gone: the org stream remembers"),
        (rewritten, "event 1 of INC-1 is another one: the org stream remembers"),
        (deleted_stream, "event 1 of INC-1 is gone"),
        (deleted_incident, "event 1 of INC-1 is gone"),
    ],
)  # fmt: skip
async def test_each_way_of_bending_it_is_named(db: Database, work: Callable[[Tx], object], named: str) -> None:
    await filled(db)
    await bend(db, work)
    found = await bad(db)
    assert set(found) == {"INC-1"} and found["INC-1"].startswith(named), found


async def test_an_edited_text_is_named(db: Database) -> None:
    await filled(db)
    await bend(db, lambda tx: tx.conn.execute(update(texts).where(texts.c.seq == 2).values(text="2")))
    assert await bad(db) == {"INC-1": "event 2 of INC-1: its text 'text' was edited"}


async def test_a_text_put_beside_an_event_is_named(db: Database) -> None:
    await filled(db)
    values = {"stream": "INC-1", "seq": 3, "field": "text", "salt": "00", "text": "never said"}
    await db.write(lambda tx: tx.conn.execute(insert(texts).values(values)))
    assert await bad(db) == {"INC-1": "event 3 of INC-1: a text 'text' stands beside it that it never had"}


async def test_an_erased_text_is_told_and_fits(db: Database) -> None:
    await filled(db)
    erase = update(texts).where(texts.c.stream == "INC-1", texts.c.seq == 2)
    await db.write(lambda tx: tx.conn.execute(erase.values(text=None, salt=None, erased_at=tx.now)))
    assert await bad(db) == {}
    assert {one.stream: one.erased for one in await db.read(verify.check_database)}["INC-1"] == 1


async def test_a_text_taken_out_by_hand_is_named(db: Database) -> None:
    await filled(db)
    await bend(db, lambda tx: tx.conn.execute(delete(texts).where(texts.c.stream == "INC-1", texts.c.seq == 2)))
    assert "INC-1" in await bad(db)


async def test_events_of_a_stream_nobody_opened_are_checked_too(db: Database) -> None:
    await filled(db)
    await db.write(lambda tx: append(tx, "INC-9", Entry("a", "P-1"), Entry("b", "P-1")))
    await bend(db, lambda tx: tx.conn.execute(update(events).where(events.c.stream == "INC-9").values(actor="P-9")))
    assert set(await bad(db)) == {"INC-9"}


# --- exported files -------------------------------------------------------------------------------------------------


async def exported(db: Database, path: Path) -> list[dict[str, Any]]:
    await filled(db)
    rows = [*await db.read(lambda tx: list(raw(tx, "INC-1"))), *await db.read(lambda tx: list(raw(tx, "org")))]
    write(path, rows)
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n", encoding="utf-8")


async def test_an_export_is_checked_offline(db: Database, tmp_path: Path) -> None:
    rows = await exported(db, tmp_path / "export.jsonl")
    verdicts = verify.check_file(tmp_path / "export.jsonl")
    assert [(one.stream, one.ok, one.events) for one in verdicts] == [("INC-1", True, 5), ("org", True, len(rows) - 5)]
    rows[2]["actor"] = "P-9"
    write(tmp_path / "export.jsonl", rows)
    assert verify.check_file(tmp_path / "export.jsonl")[0].bad.startswith("event 3 of INC-1: its content")
    del rows[1]["prev"]
    write(tmp_path / "export.jsonl", rows)
    assert verify.check_file(tmp_path / "export.jsonl")[0].bad == "event 2 of INC-1: it lacks prev"


@pytest.mark.parametrize(
    ("body", "said"),
    [("", "there is no event"), ("{", "line 1 is not JSON"), ("[]", "line 1 is not an event"), ("{}", "it lacks")],
)
def test_a_file_that_is_no_export(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "x").write_text(body)
    (verdict,) = verify.check_file(tmp_path / "x")
    assert not verdict.ok and said in verdict.bad


async def test_a_line_separator_in_a_text_does_not_break_the_file(db: Database, tmp_path: Path) -> None:
    await db.write(lambda tx: append(tx, "INC-1", Entry("incident.note", "P-1", {}, {"text": "one\u2028two\x85"})))
    write(tmp_path / "export.jsonl", await db.read(lambda tx: list(raw(tx, "INC-1"))))
    assert [one.ok for one in verify.check_file(tmp_path / "export.jsonl")] == [True]


@pytest.mark.parametrize("field", ["body", "kept"])
async def test_a_field_of_the_wrong_type_is_named(db: Database, tmp_path: Path, field: str) -> None:
    rows = await exported(db, tmp_path / "export.jsonl")
    rows[1][field] = {"body": 2**70, "kept": {"text": {}}}[field]
    write(tmp_path / "export.jsonl", rows)
    assert verify.check_file(tmp_path / "export.jsonl")[0].bad.startswith("event 2 of INC-1")
