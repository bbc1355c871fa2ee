"""Copies of databases: dump files in one folder, and their restore into scratch databases. Part of `postgres.py`.

Belongs here: which files there are, of what kind, and running PostgreSQL's programs on them. Does not belong here: any
other folder, moving copies elsewhere (aws_s3.py).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import secrets
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playbooks.connectors.answers import no_answer
from playbooks.connectors.postgres_databases import DatabaseActs, DatabaseReads
from playbooks.connectors.postgres_programs import Programs, environment, failed
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError, Refused
from playbooks.secrets import SecretRef

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
CHUNK = 1 << 18
OWN_RESTRICTION = re.compile(rb"\\(?:un)?restrict \w+\s*")


@dataclass(frozen=True)
class Copy:
    """A dump file. kind: "archive" (pg_dump's custom format), "script", "script.gz"; sha256: "" where not asked for."""

    file: str
    kind: str
    size: int
    sha256: str = ""


class CopyReads(DatabaseReads):
    """What can be asked about copies. folder: where dumps lie, programs: PostgreSQL's own."""

    def __init__(self, *, dumps: Path | str = "var/dumps", programs: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._dumps = Path(dumps)
        self._programs = Programs(programs)
        self._disk = Threads("dumps", 2)

    async def close(self) -> None:
        """Let go of threads."""
        await super().close()
        self._disk.close()

    def _file(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise Refused(f"{name[:100]!r} is no name of a dump.", todo="Letters, digits, dots, dashes; no folders.")
        return self._dumps / name

    async def copy(self, name: str, *, digest: bool = False) -> Copy | None:
        """The dump of that name; None when there is none. digest: read all of it for its SHA-256."""
        file = self._file(name)
        return await self._disk.run(lambda: _seen(file, digest), deadline_s=3600.0 if digest else 10.0)

    async def readable(self, name: str, within: float) -> int:
        """Read all of an archive as a restore would; returns how many tables it holds. Refused when it is damaged."""
        file, here = str(self._file(name)), SecretRef("env://MUSTER_DUMPS")
        try:
            listed = await self._programs.run("pg_restore", ["--list", file], {}, within=within)
            read = listed if listed.code else await self._programs.run(
                "pg_restore", ["--file=/dev/null", file], {}, within=within)  # fmt: skip
        except TimeoutError:
            raise no_answer("PostgreSQL", "pg_restore", "time-out", write=False) from None
        if read.code:
            raise failed("pg_restore", here, read, write=False)
        return len(re.findall(r"^\d+; \d+ \d+ TABLE DATA ", listed.out, re.MULTILINE))

    async def program(self, name: str) -> int:
        """The major version of a program. Refused when it is missing."""
        return await self._programs.version(name)


class CopyActs(CopyReads, DatabaseActs):
    """What can be done with copies."""

    async def dump(self, dsn: SecretRef, name: str, within: float) -> Copy:
        """Write a dump in pg_dump's custom format, whole or not at all. One that is there already stays as it is."""
        file = self._file(name)
        if (there := await self.copy(name, digest=True)) is not None:
            return there
        env = environment(dsn, await self._revealed(dsn))
        part = file.with_name(f"{name}.{secrets.token_hex(4)}.part")
        await self._disk.run(lambda: self._dumps.mkdir(parents=True, exist_ok=True, mode=0o700), deadline_s=10.0)
        try:
            arguments = ["--format=custom", "--no-password", "--lock-wait-timeout=10s", f"--file={part}"]
            ended = await self._programs.run("pg_dump", arguments, env, within=within)
            if ended.code:
                raise failed("pg_dump", dsn, ended, write=False)
            await self._disk.run(lambda: part.rename(file), deadline_s=10.0)
        except TimeoutError:
            raise no_answer("PostgreSQL", f"pg_dump for {dsn}", "time-out", write=False) from None
        finally:
            part.unlink(missing_ok=True)
        made = await self.copy(name, digest=True)
        assert made is not None
        return made

    async def remove_copy(self, name: str) -> None:
        """Delete a dump. None there: nothing to do."""
        file = self._file(name)
        await self._disk.run(lambda: file.unlink(missing_ok=True), deadline_s=10.0)

    async def restore_scratch(self, dsn: SecretRef, file: str, database: str, key: str, within: float) -> None:
        """Restore a dump into a new database beside the one behind the reference, under our mark.

        The same key again goes on where it was: one that is whole stays, one that is not is made anew.
        """
        seen = await self.scratch(dsn, database)
        if seen is not None and seen.key != key:
            raise Refused(f"There is a database {database} already; nothing was restored.",
                          todo="Choose another name, or drop it (postgres.drop_scratch).")  # fmt: skip
        if seen is not None and seen.whole:
            return
        if seen is not None:
            await self.drop_scratch(dsn, database, force=True)
        await self._create_scratch(dsn, database, key)
        broken = await self._restored(dsn, file, database, within)
        if broken is not None:
            await self.drop_scratch(dsn, database, force=True)
            raise broken
        await self._scratch_is_whole(dsn, database, key)

    async def _restored(self, dsn: SecretRef, file: str, database: str, within: float) -> MusterError | None:
        """Run the right program to its end; what went wrong, or None."""
        copy = await self.copy(file)
        if copy is None:
            return Refused(f"There is no dump {file} in this machine's folder of dumps.", todo="See MUSTER_DUMPS.")
        path, env = self._file(file), environment(dsn, await self._revealed(dsn), database)
        word = secrets.token_hex(16)
        program, feed = "pg_restore", None
        arguments = [
            "--no-password",
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            f"--dbname={database}",
            str(path),
        ]
        if copy.kind != "archive":
            program, feed = "psql", _script(path, copy.kind, word)
            arguments = ["--no-psqlrc", "--no-password", "--quiet", "--single-transaction", "-v", "ON_ERROR_STOP=1"]
        try:
            ended = await self._programs.run(program, arguments, env, within=within, feed=feed)
        except TimeoutError:
            return no_answer("PostgreSQL", f"{program} for {dsn}", "time-out", write=False)
        except MusterError as error:
            return error
        return failed(program, dsn, ended, write=False) if ended.code else None


def _seen(file: Path, digest: bool) -> Copy | None:
    """Blocks. What a file is, by its first bytes."""
    if not file.is_file():
        return None
    with file.open("rb") as opened:
        first = opened.read(5)
    kind = "archive" if first == b"PGDMP" else "script.gz" if first[:2] == b"\x1f\x8b" else "script"
    sha = ""
    if digest:
        with file.open("rb") as opened:
            sha = hashlib.file_digest(opened, "sha256").hexdigest()
    return Copy(file.name, kind, file.stat().st_size, sha)


async def _script(file: Path, kind: str, word: str) -> AsyncIterator[bytes]:
    """A script's lines behind psql's own lock: no command of psql itself (another database, a shell) works in it.

    A dump's own lock is left out: locks do not nest.
    """
    yield f"\\restrict {word}\n".encode()
    rows = False
    opened = await asyncio.to_thread(gzip.open if kind == "script.gz" else open, file, "rb")
    try:
        while lines := await asyncio.to_thread(opened.readlines, CHUNK):
            kept = []
            for line in lines:
                rows = line != b"\\.\n" if rows else line.startswith(b"COPY ") and line.endswith(b"FROM stdin;\n")
                if rows or not OWN_RESTRICTION.fullmatch(line):
                    kept.append(line)
            yield b"".join(kept)
    except (zlib.error, EOFError, gzip.BadGzipFile):
        yield b"\n\\.\nSELECT the file ends too early;\n"  # no SQL: nothing of the script stays
    finally:
        await asyncio.to_thread(opened.close)
