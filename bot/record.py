"""Looking after the record from the command line: migrate, verify, export.

Belongs here: those three, each an exit code and words. Does not belong here: the chain itself (storage), a progress bar
(bot/progress.py).
"""

from __future__ import annotations

import asyncio
import getpass
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypeVar

from bot.printing import told
from bot.progress import bar
from commands.events import say
from playbooks.errors import Refused
from storage import export as exports
from storage import migrate, timeline, verify
from storage.audit import pack
from storage.audit.verify import Anchors, add_anchors, read_anchors
from storage.db import Database, Tx, Work
from storage.export import Progress
from storage.verify import Verdict

T = TypeVar("T")
EXPORTS = (".jsonl", ".ndjson", ".json")
Format = Literal["jsonl", "csv", "md", "zip"]


def migrated(url: str) -> int:
    """Bring the database to this version's schema."""
    revision = migrate.upgrade(url)
    told(revision=revision)
    sys.stdout.write(f"The database is at revision {revision}.\n")
    return 0


# --- verify ---------------------------------------------------------------------------------------------------------


def verified(what: str, anchors: Sequence[str] = ()) -> int:
    """Check every chain of a database (URL or SQLite file) or an exported file; 1 when an event does not fit.

    anchors: files, folders, or INC-42@41:sha256:…, taken from where they stand.
    """
    path = Path(what)
    if "://" not in what and not path.is_file():
        raise Refused(
            f"There is no file {path}.", todo="Give a database URL, a SQLite file or an exported .jsonl file."
        )
    outside = _anchors(anchors)
    if "://" not in what and path.suffix in EXPORTS:
        with bar("Checking", path.stat().st_size) as progress:
            verdicts = verify.check_file(path, outside, progress)
        verdicts += _not_there(outside, verdicts, anchors)
    else:
        verdicts = _database(what if "://" in what else f"sqlite:///{path}", outside)
    told(streams=[asdict(verdict) | {"ok": verdict.ok} for verdict in verdicts])
    for verdict in verdicts:
        sys.stdout.write(f"{_words(verdict)}\n")
    if not verdicts:
        sys.stdout.write("There is no timeline in it.\n")
    sys.stdout.write(_shown(verdicts, outside))
    return 0 if verdicts and all(verdict.ok for verdict in verdicts) else 1


def _anchors(given: Sequence[str]) -> Anchors:
    """All of them together. Raises Refused for one that cannot be read, or that contradicts another."""
    found: Anchors = {}
    for one in given:
        try:
            read, unread = read_anchors(one)
            add_anchors(found, read)
        except (OSError, ValueError) as error:
            raise Refused(f"{error}.", todo="Nothing was checked.") from None
        for line in unread:
            sys.stderr.write(f"⚠️ {line}; the others were read.\n")
    return found


def _not_there(outside: Anchors, verdicts: Sequence[Verdict], given: Sequence[str]) -> list[Verdict]:
    """Streams of an anchor that somebody typed and that the file does not hold. A file of anchors may speak of more."""
    typed = {stream for stream, seq in outside if any(one.strip().startswith(f"{stream}@{seq}:") for one in given)}
    return [Verdict(one, bad=f"{one} is not in this file") for one in sorted(typed - {v.stream for v in verdicts})]


def _database(url: str, outside: Anchors) -> list[Verdict]:
    total = asyncio.run(_with(url, exports.count_events))
    with bar("Checking", total) as progress:
        return asyncio.run(_with(url, lambda tx: verify.check_database(tx, outside, progress)))


def _words(verdict: Verdict) -> str:
    if not verdict.ok:
        return f"❌ {verdict.bad}"
    erased = f", {verdict.erased} texts erased" if verdict.erased else ""
    agreed = f", {verdict.agreed} anchors agree" if verdict.agreed else ""
    notes = "".join(f", {note}" for note in verdict.notes)
    return f"✅ {verdict.stream}: {verdict.events} events fit, head sha256:{verdict.hash[:16]}…{erased}{agreed}{notes}"


def _shown(verdicts: Sequence[Verdict], outside: Anchors) -> str:
    """What the check could not show."""
    if outside or not verdicts:
        return ""
    own = sum(verdict.own for verdict in verdicts)
    kept = f"{own} anchors kept in the database itself agree: a weak check. " if own else ""
    return f"{kept}Whoever can rewrite all of it can rewrite it unseen: give --anchor from where anchors stand.\n"


# --- export ---------------------------------------------------------------------------------------------------------


def exported(url: str, incident: str, output: Path | None = None, format: Format = "jsonl") -> int:
    """Write a stream to a file and say so on the `org` stream. The file is there whole, or not at all."""
    stream = incident if incident == timeline.ORG else incident.upper()
    target = output or Path(f"{stream}.{format}")
    with tempfile.TemporaryDirectory(prefix="muster-export-") as name:
        made = Path(name) / "made"
        count = _make(url, stream, format, made, Path(name))
        digest = exports.sha256_of(made)
        who = account()

        def note(tx: Tx) -> None:
            exports.made(tx, what=stream, format=format, sha256=digest, events=count, account=who)

        asyncio.run(_with(url, note, write=True))
        beside = target.with_name(f".{target.name}.part")
        shutil.copyfile(made, beside)
        beside.replace(target)
    told(stream=stream, file=str(target), events=count, sha256=digest)
    sys.stdout.write(f"{count} events of {stream} in {target}, sha256:{digest}.{_next(format, target)}\n")
    return 0


def _make(url: str, stream: str, format: Format, made: Path, folder: Path) -> int:
    """Write the file; returns how many events are in it. Raises Refused where there are none."""
    total = asyncio.run(_with(url, lambda tx: timeline.head(tx, stream).seq))
    if not total:
        raise Refused(
            f"There is no timeline of {stream} in this database.", todo="`/incident list` names those there are."
        )
    with bar(f"Exporting {stream}", total) as progress:
        if format == "zip":
            inside = folder / "pack"
            inside.mkdir()
            verdict = asyncio.run(_with(url, lambda tx: pack.collect(tx, stream, inside, say, progress)))
            pack.zipped(inside, made)
            if verdict.bad:
                sys.stderr.write(f"❌ {verdict.bad}. The pack holds it as it is and says so.\n")
            return total
        return asyncio.run(_with(url, lambda tx: _write(tx, stream, format, made, progress)))


def _write(tx: Tx, stream: str, format: Format, made: Path, progress: Progress) -> int:
    names = exports.Names(tx)
    with made.open("w", encoding="utf-8", newline="" if format == "csv" else "\n") as file:
        sink: exports.Sink
        match format:
            case "csv":
                sink = exports.Csv(file, names)
            case "md":
                sink = exports.Markdown(tx, stream, file, say, names)
            case _:
                sink = exports.Jsonl(file)
        return exports.stream_to(tx, stream, [sink], progress)


def _next(format: Format, target: Path) -> str:
    """What to do with it."""
    if format == "zip":
        return " Its README.md says how to check it offline."
    return f" Check it anywhere: muster verify {target}" if format == "jsonl" else ""


def account() -> str:
    """Who runs this, as the machine knows them; "" where it does not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


async def _with(url: str, work: Work[T], *, write: bool = False) -> T:
    async with Database(url) as db:
        return await (db.write(work) if write else db.read(work))
