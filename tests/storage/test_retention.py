"""Retention: a stream leaves the record whole, by one role, with an entry, when nobody holds it; else not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import captures, incidents, retention, standing, timeline
from storage.db import Database, Tx
from storage.incident_rows import Impossible
from storage.tables import events, streams, texts
from storage.tables_guard import decisions, holds, pruned
from storage.timeline import Entry

Past = Callable[..., str]
SHA = "5" * 64


def go(tx: Tx, stream: str, *, sha256: str = SHA) -> None:
    """Prune as `muster prune` does, after its export."""
    retention.become_pruner(tx)
    head = timeline.head(tx, stream)
    erased = retention.erased_texts(tx, stream)
    retention.prune(tx, stream, head=head, erased=erased, sha256=sha256, file=f"{stream}.jsonl")


def left(tx: Tx, stream: str) -> tuple[int, int]:
    """How many events and texts of a stream there are."""
    count = [select(func.count()).select_from(t).where(t.c.stream == stream) for t in (events, texts)]
    return tx.conn.execute(count[0]).scalar_one(), tx.conn.execute(count[1]).scalar_one()


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ("2026-11-22", 24, "2024-11-22"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2026-01-15", 1, "2025-12-15"),
    ],
)
def test_months_are_calendar_months(now: str, months: int, then: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert retention.before(moment, months) == datetime.fromisoformat(then).replace(tzinfo=UTC)


async def test_what_is_due_is_ended_old_and_still_here(roles: Database, past: Past) -> None:
    def work(tx: Tx) -> None:
        old, young = past(tx, days=1100), past(tx, days=30)
        incidents.open_incident(tx, title="still on", severity="sev1", by="P-ANA")
        assert [one.stream for one in retention.due(tx, 24)] == [old]
        assert [one.stream for one in retention.due(tx, 0)] == [old, young]
        go(tx, old)
        assert retention.due(tx, 24) == []

    await roles.write(work)


async def test_a_stream_leaves_whole_and_the_org_stream_says_so(roles: Database, past: Past) -> None:
    def work(tx: Tx) -> None:
        old, kept = past(tx, days=1100, note="typed words"), past(tx, days=10)
        head = timeline.head(tx, old)
        go(tx, old)
        assert left(tx, old) == (0, 0) and left(tx, kept)[0] > 0
        gone = retention.of(tx, old)
        assert gone and (gone.seq, gone.hash, gone.sha256) == (head.seq, head.hash, SHA)
        told = timeline.read(tx, "org", types=("stream.pruned",))[-1].body
        assert told == {"stream": old, "seq": head.seq, "hash": head.hash, "sha256": SHA}
        found = incidents.get(tx, old)
        assert found and found.title == "(pruned)" and found.number == 1 and found.resolution is None
        assert timeline.head(tx, old) == head

    await roles.write(work)


async def test_nothing_is_added_to_what_has_left_the_record(roles: Database, past: Past) -> None:
    def gone(tx: Tx) -> str:
        old = past(tx, days=1100)
        go(tx, old)
        return old

    old = await roles.write(gone)
    other = (await roles.write(lambda tx: incidents.open_incident(tx, title="t", severity="sev1", by="P-ANA"))).id
    words: dict[str, str] = {"text": "x"}
    for work in (
        lambda tx: standing.reopen(tx, old, by="P-ANA", reason="it is back"),
        lambda tx: standing.link(tx, old, "https://a.example", "a", by="P-ANA"),
        lambda tx: standing.relate(tx, other, old, by="P-ANA"),
        lambda tx: standing.close(tx, old, by="P-ANA", archive_at=None),
        lambda tx: captures.keep(tx, old, "C1", "1.000001", by="P-ANA", how="pin", author=None, texts=words),
    ):
        with pytest.raises(Impossible, match="was pruned"):
            await roles.write(work)
    assert await roles.read(lambda tx: (left(tx, old), incidents.get(tx, old).status)) == ((0, 0), "resolved")


async def test_what_has_changed_since_the_export_is_not_pruned(roles: Database, past: Past) -> None:
    def work(tx: Tx) -> None:
        old = past(tx, days=1100)
        head = timeline.head(tx, old)
        incidents.note(tx, old, "one word more", by="P-BEN")
        retention.become_pruner(tx)
        with pytest.raises(Impossible, match="changed since"):
            retention.prune(tx, old, head=head, erased=0, sha256=SHA, file="x")
        with pytest.raises(Impossible, match="changed since"):
            retention.prune(tx, old, head=timeline.head(tx, old), erased=1, sha256=SHA, file="x")

    await roles.write(work)


async def _refused(db: Database, work: Callable[[Tx], Any], words: str = "append-only") -> None:
    with pytest.raises(IntegrityError, match=words):
        await db.write(work)


def _told(tx: Tx, stream: str, sha256: str = SHA) -> dict[str, Any]:
    """The org entry and the row that would prune, written by hand."""
    retention.become_pruner(tx)
    head = timeline.head(tx, stream)
    body = {"stream": stream, "seq": head.seq, "hash": head.hash, "sha256": sha256}
    timeline.append(tx, "org", Entry("stream.pruned", "muster", body))
    return {**body, "file": "x", "at": tx.now}


async def test_the_row_is_let_in_only_when_everything_fits(roles: Database, past: Past) -> None:
    old = await roles.write(lambda tx: past(tx, days=1100))
    young = await roles.write(lambda tx: incidents.open_incident(tx, title="on", severity="sev1", by="P-A").id)
    put = insert(pruned)

    def unsaid(tx: Tx) -> None:
        row = _told(tx, old)
        timeline.append(tx, "org", Entry("b.c", "muster"))  # something was said since
        tx.conn.execute(put.values(row))

    await _refused(roles, unsaid)
    await _refused(roles, lambda tx: tx.conn.execute(put.values({**_told(tx, old), "sha256": "6" * 64})))
    await _refused(roles, lambda tx: tx.conn.execute(put.values({**_told(tx, old), "seq": 1})))
    await _refused(roles, lambda tx: tx.conn.execute(put.values(_told(tx, young))), "only an ended incident")
    await _refused(roles, lambda tx: tx.conn.execute(put.values(_told(tx, "org"))))
    await roles.write(lambda tx: tx.conn.execute(put.values(_told(tx, old))))
    assert await roles.read(lambda tx: left(tx, old)) == (0, 0)


async def test_what_is_held_stays(roles: Database, past: Past) -> None:
    def hold(tx: Tx) -> str:
        old = past(tx, days=1100)
        row: dict[str, Any] = {"id": "D-1", "kind": "hold", "subject": old, "body": {}, "digest": "d", "rule": {}}
        row |= {"stream": old, "asked_by": "P-A", "state": "done", "opened_at": tx.now, "expires_at": tx.now}
        tx.conn.execute(insert(decisions).values(row))
        kept = {"stream": old, "since": tx.now, "asked_by": "P-A", "decision": "D-1", "reason": "case 7"}
        tx.conn.execute(insert(holds).values(kept))
        return old

    old = await roles.write(hold)
    assert [one.held for one in await roles.read(lambda tx: retention.due(tx, 24))] == ["D-1"]
    await _refused(roles, lambda tx: go(tx, old))
    await roles.write(lambda tx: tx.conn.execute(update(holds).values(until=tx.now)))
    await roles.write(lambda tx: go(tx, old))


async def test_nothing_else_slips_through(roles: Database, past: Past) -> None:
    """Before: no event goes. After: nothing comes back, is added or is changed."""
    old, kept = await roles.write(lambda tx: (past(tx, days=1100), past(tx, days=10)))

    def as_pruner(statement: Any) -> Callable[[Tx], Any]:
        def work(tx: Tx) -> Any:
            retention.become_pruner(tx)
            return tx.conn.execute(statement)

        return work

    row = {"stream": old, "seq": 3, "hash": "h", "sha256": SHA, "file": "x", "at": datetime(2026, 1, 1, tzinfo=UTC)}
    for statement in (
        delete(events).where(events.c.stream == old),
        delete(events).where(events.c.stream == old, events.c.seq == 2),
        delete(texts).where(texts.c.stream == old),
        insert(pruned).values(row),
    ):
        await _refused(roles, as_pruner(statement))
    await roles.write(lambda tx: go(tx, old))
    event = {
        "stream": old,
        "seq": 1,
        "format": 1,
        "type": "x",
        "at": "x",
        "actor": "x",
        "body": "x",
        "prev": "x",
        "hash": "x",
    }
    for statement in (
        delete(events).where(events.c.stream == kept),
        insert(events).values(event),
        insert(texts).values(stream=old, seq=1, field="x", salt="00", text="x"),
        insert(pruned).values(row),
    ):
        await _refused(roles, as_pruner(statement))
    for statement in (update(pruned).values(file="y"), delete(pruned)):
        await _refused(roles, lambda tx, said=statement: tx.conn.execute(said))
    with pytest.raises(Impossible, match="was pruned"):
        await roles.write(lambda tx: incidents.note(tx, old, "late", by="P-BEN"))
    assert await roles.read(lambda tx: left(tx, kept)) == (2, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE pruned",
        "TRUNCATE events",
        "INSERT OR REPLACE INTO pruned VALUES ('INC-1', 3, 'h', 's', 'f', '2026-01-01')",
        "INSERT OR REPLACE INTO pruned (rowid, stream, seq, hash, sha256, file, at) VALUES (1, 'INC-9', 1, 'h', 's', 'f', 'x')",
        "INSERT OR IGNORE INTO pruned VALUES ('INC-2', 3, 'h', 's', 'f', '2026-01-01')",
        "UPDATE OR REPLACE pruned SET stream = 'INC-2'",
        "REPLACE INTO events (stream, seq, format, type, at, actor, body, prev, hash) VALUES "
        "('INC-1', 1, 1, 'x', 'x', 'x', 'x', 'x', 'x')",
    ],
)
async def test_in_each_database_s_own_words(roles: Database, past: Past, statement: str) -> None:
    if roles.sqlite == statement.startswith("TRUNCATE"):
        pytest.skip("not a statement of this database")
    old = await roles.write(lambda tx: (past(tx, days=1100), past(tx, days=1100))[0])
    await roles.write(lambda tx: go(tx, old))
    await _refused(roles, lambda tx: tx.conn.execute(text(statement)))


async def test_only_the_pruner_prunes(db: Database, roles: Database, past: Past) -> None:
    """On PostgreSQL even who owns everything is refused without taking that role on purpose."""
    if db.sqlite:
        pytest.skip("there are no roles")
    old = await db.write(lambda tx: past(tx, days=1100))

    def without_the_role(tx: Tx) -> None:
        head = timeline.head(tx, old)
        retention.prune(tx, old, head=head, erased=0, sha256=SHA, file="x")

    await _refused(db, without_the_role, "only muster_pruner")

    def as_the_application(tx: Tx) -> None:
        tx.conn.execute(text("SET LOCAL ROLE muster_app"))
        without_the_role(tx)

    with pytest.raises(DBAPIError, match="permission denied"):
        await db.write(as_the_application)


async def test_a_login_without_the_role_is_told_what_to_do(db: Database, past: Past) -> None:
    if db.sqlite:
        pytest.skip("there are no roles")

    def work(tx: Tx) -> None:
        tx.conn.execute(text("CREATE ROLE nobody_special"))
        tx.conn.execute(text("SET SESSION AUTHORIZATION nobody_special"))
        try:
            with pytest.raises(Impossible, match="not a member"):
                retention.become_pruner(tx)
        finally:
            tx.conn.execute(text("RESET SESSION AUTHORIZATION"))
            tx.conn.execute(text("DROP ROLE nobody_special"))

    await db.write(work)


async def test_old_asks_and_answers_go_too(roles: Database) -> None:
    from storage import inbox, replies
    from storage.inbox import Ask
    from storage.tables import inbox as inbox_rows

    def work(tx: Tx) -> None:
        asks = [Ask(f"k{n}", "command", "incident note x", "slack", "T1/U1", "slack") for n in range(3)]
        inbox.store(tx, asks)
        inbox.settle(tx, "k0", "done")
        inbox.settle(tx, "k1", "done")
        was = datetime(2020, 1, 1, tzinfo=UTC)
        tx.conn.execute(update(inbox_rows).where(inbox_rows.c.key != "k1").values(received_at=was))
        replies.add(tx, ask="k0", account_kind="slack", account="T1/U1", channel=None, body={"text": "x"})
        retention.become_pruner(tx)
        assert retention.forget_asks(tx, 24) == 1  # settled and old; the answer still waits
        assert inbox.state(tx, "k0") is None and inbox.state(tx, "k1") == "done" and inbox.state(tx, "k2")

    await roles.write(work)


async def test_heads_stay_as_they_were(roles: Database, past: Past) -> None:
    old = await roles.write(lambda tx: past(tx, days=1100))
    await roles.write(lambda tx: go(tx, old))
    seq = await roles.read(lambda tx: tx.conn.execute(select(streams.c.seq).where(streams.c.name == old)).scalar())
    assert seq == 2
