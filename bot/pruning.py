"""`muster prune`: what is past its retention is exported, checked, told on the `org` stream and taken out.

Belongs here: the order of that, files and words. Does not belong here: what may be pruned and the deleting (storage).
A stream leaves only when its export is on disk and verifies; one that cannot leave does not stop the others.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from commands.events import say
from playbooks.errors import Refused
from storage import escrow, export, retention, verify
from storage.audit import pack
from storage.db import Database, Tx
from storage.incident_rows import Impossible
from storage.retention import Due


@dataclass
class Done:
    """What one call did. kept: stream -> why it stays."""

    pruned: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    asks: int = 0
    escrow: int = 0


def pruned(url: str, months: int, folder: Path, *, dry_run: bool) -> int:
    """Prune, or say what would be. 1 when something that is due could not leave."""
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_with(url, months, folder, dry_run))


async def _with(url: str, months: int, folder: Path, dry_run: bool) -> int:
    async with Database(url) as db:
        if dry_run:
            return _would(await db.read(lambda tx: retention.due(tx, months)), months)
        done = await prune(db, months, folder)
    sys.stdout.write(_words(done, folder))
    return 1 if any(not why.startswith("held") for why in done.kept.values()) else 0


def _would(due: list[Due], months: int) -> int:
    for one in due:
        held = f", held ({one.held}): stays" if one.held else ""
        sys.stdout.write(f"{one.stream}: ended {one.ended_at:%Y-%m-%d}, {one.head.seq} events{held}\n")
    gone = sum(1 for one in due if not one.held)
    sys.stdout.write(f"{gone} would be exported and pruned (older than {months} months). Nothing was changed.\n")
    return 0


async def prune(db: Database, months: int, folder: Path) -> Done:
    """Export and take out everything that is due. Raises Refused when this login may not."""
    done = Done()
    try:
        await db.write(retention.become_pruner)
    except Impossible as no:
        raise Refused(no.message, todo=no.todo) from None
    for one in await db.read(lambda tx: retention.due(tx, months)):
        if one.held:
            done.kept[one.stream] = f"held ({one.held})"
        elif why := await _one(db, one, folder):
            done.kept[one.stream] = why
        else:
            done.pruned.append(one.stream)

    def rest(tx: Tx) -> tuple[int, int]:
        retention.become_pruner(tx)
        return retention.forget_asks(tx, months), len(escrow.expire(tx))

    done.asks, done.escrow = await db.write(rest)
    return done


async def _one(db: Database, due: Due, folder: Path) -> str:
    """Export, check, take out; returns why it stays, or ""."""
    file = folder / f"{due.stream}.jsonl"
    erased = await db.read(lambda tx: _written(tx, due.stream, file))
    (verdict,) = verify.check_file(file)
    if not verdict.ok or (verdict.events, verdict.hash, verdict.erased) != (due.head.seq, due.head.hash, erased):
        return verdict.bad or f"{due.stream} has changed since: run it once more"
    await db.read(lambda tx: _packed(tx, due.stream, folder))
    digest = export.sha256_of(file)

    def work(tx: Tx) -> None:
        retention.become_pruner(tx)
        retention.prune(tx, due.stream, head=due.head, erased=erased, sha256=digest, file=file.name)

    try:
        await db.write(work)
    except Impossible as no:
        return no.message
    return ""


def _written(tx: Tx, stream: str, file: Path) -> int:
    """The export on disk, for good; returns how many of its texts are erased."""
    with file.open("w", encoding="utf-8", newline="\n") as out:
        export.write_jsonl(tx, stream, out)
        out.flush()
        os.fsync(out.fileno())
    return retention.erased_texts(tx, stream)


def _packed(tx: Tx, stream: str, folder: Path) -> None:
    """The evidence pack beside it: approvals, playbook texts and documents leave with the stream."""
    inside = folder / f".{stream}.pack"
    inside.mkdir(exist_ok=True)
    pack.collect(tx, stream, inside, say)
    pack.zipped(inside, folder / f"{stream}.zip")
    for file in sorted(inside.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    inside.rmdir()


def _words(done: Done, folder: Path) -> str:
    lines = [f"{stream} stays: {why}" for stream, why in done.kept.items()]
    listed = f" ({', '.join(done.pruned[:10])}{' …' if len(done.pruned) > 10 else ''})" if done.pruned else ""
    lines += [f"{len(done.pruned)} timelines pruned{listed}; their exports and evidence packs are in {folder}."]
    if done.pruned:
        lines += ["Keep that folder: the record holds only their digests now."]
    lines += [f"{done.asks} old asks and answers and {done.escrow} sealed identities deleted."]
    return "\n".join(lines) + "\n"
