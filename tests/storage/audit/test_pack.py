"""The evidence pack: complete, the same bytes each time, and checked offline by the verifier it brings along."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from commands.events import say
from storage import anchors, documents, incidents, timeline
from storage.audit import pack
from storage.db import Database, Tx
from storage.tables import approvals, runs, votes
from storage.timeline import Entry, append

PLAYBOOK = "name: failover/x\ntitle: Größe\n"


def fill(tx: Tx) -> None:
    """INC-1 with a run, an approval and its vote, a draft, an anchor."""
    incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-1")
    digest = hashlib.sha256(PLAYBOOK.encode()).hexdigest()
    run = {
        "id": "INC-1/1", "stream": "INC-1", "number": 1, "incident": "INC-1", "playbook": "failover/x", "title": "x",
        "text": PLAYBOOK, "digest": digest, "inputs": {}, "kind": "real", "requester": "P-1", "editors": [],
        "shown": True, "state": "succeeded", "fence": 1, "created_at": tx.now, "revision": 1,
    }  # fmt: skip
    tx.conn.execute(insert(runs).values(run))
    asked = {
        "id": "INC-1/1/1", "run": "INC-1/1", "idx": 1, "attempt": 1, "digest": "d" * 64, "covers": {"step": 1},
        "rule": {"people": 2}, "plan": {"effect": "Reboot"}, "barred": {}, "state": "used", "opened_at": tx.now,
        "expires_at": tx.now, "paged": [],
    }  # fmt: skip
    tx.conn.execute(insert(approvals).values(asked))
    voted = {"approval": "INC-1/1/1", "person": "P-2", "choice": "approve", "account": "slack:T1/U2", "via": "slack"}
    tx.conn.execute(insert(votes).values(**voted, at=tx.now))
    documents.keep(tx, stream="INC-1", name="../INC-1 post-mortem.md", key="k", body="# INC-1\n")
    append(tx, "INC-1", Entry("incident.note", "P-1", {}, {"text": "two"}), Entry("incident.note", "P-1"))
    anchors.keep(tx, [timeline.head(tx, "INC-1")], {"file": "/var/anchors.jsonl"}, "org/1")
    append(tx, "INC-1", Entry("incident.note", "P-1"))


async def packed(db: Database, tmp_path: Path, name: str = "a") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    verdict = await db.read(lambda tx: pack.collect(tx, "INC-1", folder, say))
    assert verdict.ok and verdict.own == 1
    pack.zipped(folder, tmp_path / f"{name}.zip")
    return tmp_path / f"{name}.zip"


async def test_it_holds_everything_and_is_the_same_each_time(db: Database, tmp_path: Path) -> None:
    await db.write(fill)
    one, two = await packed(db, tmp_path, "a"), await packed(db, tmp_path, "b")
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {"README.md", "anchors.jsonl", "approvals.json", "decisions.json", "timeline.csv", "timeline.jsonl",
                "timeline.md", "verification.txt", "verify.py"} <= set(names)  # fmt: skip
        assert all(not name.startswith(("/", ".")) and ".." not in name for name in names)
        (playbook,) = [name for name in names if name.startswith("playbooks/")]
        text = archive.read(playbook)
        assert hashlib.sha256(text).hexdigest()[:12] in playbook and text.decode() == PLAYBOOK
        (document,) = [name for name in names if name.startswith("documents/")]
        assert archive.read(document) == b"# INC-1\n"
        (asked,) = json.loads(archive.read("approvals.json"))
        assert (asked["digest"], asked["rule"], asked["covers"]) == ("d" * 64, {"people": 2}, {"step": 1})
        assert [(vote["person"], vote["choice"]) for vote in asked["votes"]] == [("P-2", "approve")]
        said = archive.read("verification.txt").decode()
        assert said.startswith("GOOD: every event fits") and "INC-1@4:sha256:" in said


def run(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-I", "-S", "verify.py", "timeline.jsonl", *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


async def test_it_is_checked_offline_as_its_readme_says(db: Database, tmp_path: Path) -> None:
    await db.write(fill)
    with zipfile.ZipFile(await packed(db, tmp_path)) as archive:
        archive.extractall(tmp_path / "auditor")
    folder = tmp_path / "auditor"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "python verify.py timeline.jsonl" in readme and "Evidence of INC-1" in readme
    assert run(folder)[0] == 0
    code, said = run(folder, "--anchor", "anchors.jsonl")
    assert code == 0 and "1 anchors agree" in said
    lines = (folder / "timeline.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "timeline.jsonl").write_text("".join(lines[:2]), encoding="utf-8")
    assert run(folder)[0] == 0
    code, said = run(folder, "--anchor", "anchors.jsonl")
    assert code == 1 and "anchored at 3: its tail was cut" in said


async def test_a_record_that_was_bent_is_packed_and_said_to_be(db: Database, tmp_path: Path) -> None:
    def bend(tx: Tx) -> Any:
        fill(tx)
        tx.conn.exec_driver_sql("UPDATE streams SET seq = 9 WHERE name = 'INC-2'")
        tx.conn.exec_driver_sql("INSERT INTO texts VALUES ('INC-1', 3, 'text', '00', 'never said', NULL)")

    await db.write(bend)
    (tmp_path / "a").mkdir()
    verdict = await db.read(lambda tx: pack.collect(tx, "INC-1", tmp_path / "a", say))
    assert verdict.bad == "event 3 of INC-1: a text 'text' stands beside it that it never had"
    assert (tmp_path / "a" / "verification.txt").read_text().startswith("BAD: event 3 of INC-1")
