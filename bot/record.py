"""Looking after the record from the command line: migrate, verify, export.

Belongs here: those three, each an exit code and words. Does not belong here: the chain itself (storage).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TypeVar

from playbooks.errors import Refused
from storage import migrate, timeline, verify
from storage.db import Database, Work
from storage.export import write_jsonl
from storage.verify import Verdict

T = TypeVar("T")
EXPORTS = (".jsonl", ".ndjson", ".json")


def migrated(url: str) -> int:
    """Bring the database to this version's schema."""
    sys.stdout.write(f"The database is at revision {migrate.upgrade(url)}.\n")
    return 0


def verified(what: str) -> int:
    """Check every chain of a database (URL or SQLite file) or an exported file; 1 when an event does not fit."""
    path = Path(what)
    if "://" not in what and not path.is_file():
        raise Refused(
            f"There is no file {path}.", todo="Give a database URL, a SQLite file or an exported .jsonl file."
        )
    exported_file = "://" not in what and path.suffix in EXPORTS
    verdicts = verify.check_file(path) if exported_file else _check(what if "://" in what else f"sqlite:///{path}")
    for verdict in verdicts:
        sys.stdout.write(f"{_words(verdict)}\n")
    if not verdicts:
        sys.stdout.write("There is no timeline in it.\n")
    return 0 if verdicts and all(verdict.ok for verdict in verdicts) else 1


def _check(url: str) -> list[Verdict]:
    return asyncio.run(_read(url, verify.check_database))


def _words(verdict: Verdict) -> str:
    if not verdict.ok:
        return f"❌ {verdict.bad}"
    erased = f", {verdict.erased} texts erased" if verdict.erased else ""
    return f"✅ {verdict.stream}: {verdict.events} events fit, head sha256:{verdict.hash[:16]}…{erased}"


def exported(url: str, incident: str, output: Path) -> int:
    """Write a stream as JSON Lines, exactly as it was hashed, with the texts beside it."""
    stream = incident if incident == timeline.ORG else incident.upper()
    with output.open("w", encoding="utf-8") as file:
        count = asyncio.run(_read(url, lambda tx: write_jsonl(tx, stream, file)))
    if not count:
        output.unlink()
        raise Refused(
            f"There is no timeline of {stream} in this database.", todo="`/incident list` names those there are."
        )
    sys.stdout.write(f"{count} events of {stream} in {output}. Check it anywhere: muster verify {output}\n")
    return 0


async def _read(url: str, work: Work[T]) -> T:
    db = Database(url)
    try:
        return await db.read(work)
    finally:
        await db.close()
