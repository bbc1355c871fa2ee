"""`muster prune`: exported, checked, told, taken out; what is held or young stays; verify and population still account."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from bot import pruning
from playbooks.errors import Refused
from storage import grants, holds, incidents, reports, retention, timeline, verify
from storage.db import Database, Tx
from storage.tables import incidents as rows
from storage.tables_guard import decisions


def _ended(tx: Tx, days: int, note: str = "typed") -> str:
    found = incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-ANA")
    incidents.note(tx, found.id, note, by="P-BEN")
    incidents.cancel(tx, found.id, by="P-ANA", reason="done")
    incidents.anchor(tx, found.id)
    past = tx.now - timedelta(days=days)
    tx.conn.execute(update(rows).where(rows.c.id == found.id).values(resolved_at=past, declared_at=past))
    return found.id


def _hold(tx: Tx, stream: str) -> None:
    row: dict[str, Any] = {"id": "D-1", "kind": "hold", "subject": stream, "body": {}, "digest": "d", "rule": {}}
    row |= {"stream": stream, "asked_by": "P-A", "state": "done", "opened_at": tx.now, "expires_at": tx.now}
    tx.conn.execute(decisions.insert().values(row))
    holds.place(tx, stream, asked_by="P-A", decision="D-1", reason="case 7", by=["P-A", "P-B"])


@pytest.fixture
async def old(db: Database) -> Database:
    """INC-1 is past its time, INC-2 too and held, INC-3 is young; the roles are there."""

    def work(tx: Tx) -> None:
        if not tx.sqlite:
            for statement in grants.statements():
                tx.conn.execute(text(statement))
        _ended(tx, 1100)
        _hold(tx, _ended(tx, 1100))
        _ended(tx, 30)

    await db.write(work)
    return db


async def test_what_is_due_leaves_with_its_export_and_evidence(old: Database, tmp_path: Path) -> None:
    head = await old.read(lambda tx: timeline.head(tx, "INC-1"))
    folder = tmp_path / "out"
    folder.mkdir()
    done = await pruning.prune(old, 24, folder)
    assert done.pruned == ["INC-1"] and done.kept == {"INC-2": "held (D-1)"}
    file = folder / "INC-1.jsonl"
    (verdict,) = verify.check_file(file)
    assert verdict.ok and (verdict.events, verdict.hash) == (head.seq, head.hash)
    assert sorted(one.name for one in folder.iterdir()) == ["INC-1.jsonl", "INC-1.zip"]

    def look(tx: Tx) -> None:
        gone = retention.of(tx, "INC-1")
        assert gone and gone.sha256 == hashlib.sha256(file.read_bytes()).hexdigest() and gone.file == "INC-1.jsonl"
        verdicts = {one.stream: one for one in verify.check_database(tx)}
        assert all(one.ok for one in verdicts.values()), [one.bad for one in verdicts.values()]
        assert "pruned after event" in verdicts["INC-1"].notes[0]
        lines = list(reports.population(tx, retention.before(tx.now, 240), tx.now + timedelta(days=1)))
        assert [line["number"] for line in lines] == [1, 2, 3]
        assert lines[0]["export_sha256"] == gone.sha256 and lines[0]["last"] == head.hash and lines[0]["first"]
        assert lines[0]["title"] == "(pruned)" and lines[1]["export_sha256"] is None

    await old.read(look)
    again = await pruning.prune(old, 24, folder)
    assert again.pruned == []


async def test_a_stream_that_was_bent_stays(old: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that does not verify is no export."""
    real = timeline.raw

    def bent(tx: Tx, stream: str, **more: Any) -> Any:
        for row in real(tx, stream, **more):
            yield {**row, "actor": "P-EVE"} if row["seq"] == 2 else row

    monkeypatch.setattr("storage.export.raw", bent)
    done = await pruning.prune(old, 24, tmp_path)
    assert done.pruned == [] and "event 2 of INC-1" in done.kept["INC-1"]
    assert await old.read(lambda tx: retention.of(tx, "INC-1")) is None


async def test_a_login_that_may_not_is_told(db: Database, tmp_path: Path) -> None:
    if db.sqlite:
        pytest.skip("there are no roles")
    name = f"poor_{tmp_path.name.replace('-', '_')[:40]}"
    await db.write(lambda tx: tx.conn.execute(text(f"CREATE ROLE {name} LOGIN")))
    from sqlalchemy.engine import make_url

    poor = Database(make_url(db.url).set(username=name).render_as_string(hide_password=False))
    try:
        with pytest.raises(Refused, match="not a member of muster_pruner"):
            await pruning.prune(poor, 24, tmp_path)
    finally:
        await poor.close()
        await db.write(lambda tx: tx.conn.execute(text(f"DROP ROLE {name}")))


def test_a_dry_run_says_and_does_nothing(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    async def prepare() -> None:
        db = Database(url)
        await db.write(lambda tx: _ended(tx, 1100))
        await db.close()

    asyncio.run(prepare())
    folder = tmp_path / "out"
    assert pruning.pruned(url, 24, folder, dry_run=True) == 0
    said = capsys.readouterr().out
    assert "INC-1: ended" in said and "1 would be exported and pruned" in said and not folder.exists()
