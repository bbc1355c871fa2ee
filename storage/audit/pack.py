"""The evidence pack: everything of one stream in one zip that an auditor checks offline, with nothing of Muster.

Two steps, so that no transaction waits for a compressor: `collect` reads the database into a folder, in one snapshot
and with bounded memory; `zipped` makes the archive. The same record gives the same bytes: names sorted, times fixed.

Belongs here: what is in it and how it is packed. Does not belong here: formats of the timeline (storage/export.py).
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from storage import anchors, documents
from storage.audit.readme import README, VERIFICATION
from storage.db import Tx
from storage.export import Csv, Jsonl, Markdown, Names, Progress, Say, Sink, stream_to
from storage.remembered import gather
from storage.tables import approvals, runs, votes
from storage.tables_guard import decision_votes, decisions, reviews
from storage.timeline import Head
from storage.types import iso
from storage.verify import Checker, Verdict

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time a zip knows: an archive does not say when it was made
FILES = ("timeline.jsonl", "timeline.csv", "timeline.md")


class _Checked:
    """The check, made from the same pass that writes the files."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    def take(self, row: Mapping[str, Any]) -> None:
        self._checker.take(row)

    def end(self) -> None:
        self._checker.end()


def collect(tx: Tx, stream: str, folder: Path, say: Say, progress: Progress | None = None) -> Verdict:
    """Write all of a stream's evidence into a folder; returns what checking it on the way found.

    A pack is written also where the record does not fit: then its verification says so, and that is the evidence.
    """
    names = Names(tx)
    checker = Checker(stream, gather(tx, {}, only=stream).get(stream, ()))
    with (
        (folder / FILES[0]).open("w", encoding="utf-8", newline="\n") as jsonl,
        (folder / FILES[1]).open("w", encoding="utf-8", newline="") as table,
        (folder / FILES[2]).open("w", encoding="utf-8", newline="\n") as text,
    ):
        sinks: list[Sink] = [Jsonl(jsonl), Csv(table, names), Markdown(tx, stream, text, say, names), _Checked(checker)]
        stream_to(tx, stream, sinks, progress)
    _write(folder / "approvals.json", list(_approvals(tx, stream, names)))
    _write(folder / "decisions.json", list(_decisions(tx, stream, names)))
    _texts(tx, stream, folder)
    held = anchors.of_stream(tx, stream)
    lines = [json.dumps(_plain({**one.__dict__}), sort_keys=True) + "\n" for one in held]
    (folder / "anchors.jsonl").write_text("".join(lines), encoding="utf-8")
    shutil.copyfile(Path(__file__).with_name("verify.py"), folder / "verify.py")
    verdict = checker.verdict
    (folder / "verification.txt").write_text(_said(verdict), encoding="utf-8")
    (folder / "README.md").write_text(README.format(stream=stream, events=verdict.events), encoding="utf-8")
    return verdict


def zipped(folder: Path, target: Path) -> None:
    """The folder as a zip. Files are streamed; nothing in it depends on the machine or the time."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), LONG_AGO)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as into:
                shutil.copyfileobj(source, into, 1 << 16)


def _said(verdict: Verdict) -> str:
    head = Head(verdict.stream, verdict.events, verdict.hash)
    result = f"BAD: {verdict.bad}" if verdict.bad else "GOOD: every event fits"
    return VERIFICATION.format(
        stream=verdict.stream, events=verdict.events, result=result, head=anchors.name_of(head), erased=verdict.erased,
        own=verdict.own,
    )  # fmt: skip


def _approvals(tx: Tx, stream: str, names: Names) -> Iterator[dict[str, Any]]:
    """Every approval asked for in the stream's runs: what was bound, by which rule, who voted, what one did alone."""
    mine = approvals.c.run.in_(select(runs.c.id).where(runs.c.stream == stream))
    for row in _rows(tx, approvals, mine, order=(approvals.c.opened_at, approvals.c.id)):
        row["votes"] = _rows(tx, votes, votes.c.approval == row["id"], order=(votes.c.at, votes.c.person))
        for vote in row["votes"]:
            vote["name"] = names(vote["person"])
        row["reviews"] = _rows(tx, reviews, reviews.c.approval == row["id"], order=(reviews.c.id,))
        yield row


def _decisions(tx: Tx, stream: str, names: Names) -> Iterator[dict[str, Any]]:
    for row in _rows(tx, decisions, decisions.c.stream == stream, order=(decisions.c.opened_at, decisions.c.id)):
        mine = decision_votes.c.decision == row["id"]
        row["votes"] = _rows(tx, decision_votes, mine, order=(decision_votes.c.at, decision_votes.c.person))
        for vote in row["votes"]:
            vote["name"] = names(vote["person"])
        yield row


def _texts(tx: Tx, stream: str, folder: Path) -> None:
    """The playbooks as they were run, named by their digest, and the documents Muster wrote."""
    query = select(runs.c.playbook, runs.c.digest, runs.c.text).where(runs.c.stream == stream)
    for row in tx.conn.execute(query.distinct().order_by(runs.c.playbook, runs.c.digest)):
        _put(folder / "playbooks" / f"{_file_name(row.playbook)}-{row.digest[:12]}.yaml", row.text)
    for one in documents.of_stream(tx, stream):
        _put(folder / "documents" / f"{_file_name(one.id)}-{_file_name(one.name)}", one.body)


def _rows(tx: Tx, table: Table, where: Any, *, order: tuple[Any, ...]) -> list[dict[str, Any]]:
    found = tx.conn.execute(select(table).where(where).order_by(*order)).mappings()
    return [_plain(dict(row)) for row in found]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _file_name(name: str) -> str:
    """A name that stays inside its folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".") or "unnamed"


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
