"""pg_dump, pg_restore and psql: running them with an address that no process list shows. Part of `postgres.py`.

Belongs here: finding the programs, their environment, their time limit and what their ends mean. Does not belong here:
files and databases (postgres_scratch.py). What the programs print is never repeated: it may hold rows and addresses.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import pq

from playbooks.connectors.answers import ServiceRefused, no_answer
from playbooks.connectors.postgres_line import worded
from playbooks.errors import MusterError, Refused
from playbooks.secrets import SecretRef

KEPT = ("PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
MISSING = "Install PostgreSQL's client programs, or name their folder in MUSTER_PG_BIN."
SAID = {
    "server version mismatch": "it is older than the server; name newer ones in MUSTER_PG_BIN",
    "permission denied": "this role may not read or write everything there",
    "not appear to be a valid archive": "the file is no dump of pg_dump",
    "could not read from input file": "the file ends too early",
    "unsupported version": "the dump was written by a newer pg_dump; name newer programs in MUSTER_PG_BIN",
    "invalid command \\restrict": "it is too old to restore scripts safely; name newer programs in MUSTER_PG_BIN",
    "commands are restricted": "the script holds commands of psql itself, as those of pg_dumpall do",
    "cannot run inside a transaction block": "the script makes databases of its own, as those of pg_dumpall do",
    "unrecognized configuration parameter": "the dump is from a newer server",
    "no space left": "the disk is full",
    "already exists": "something of that name exists there already",
    "does not exist": "something it needs does not exist there",
}


@dataclass(frozen=True)
class Ended:
    """How a program ended. out: what it printed, for callers that know what it is."""

    out: str
    error: str
    code: int


class Programs:
    """The client programs of one folder ("" is PATH)."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder

    def find(self, name: str) -> str:
        """Where a program is. Refused when it is missing."""
        path = shutil.which(name, path=self._folder or None)
        if path is None:
            where = self._folder or "PATH"
            raise Refused(f"{name} is not on this machine ({where}); nothing was done.", todo=MISSING)
        return path

    async def version(self, name: str) -> int:
        """Its major version."""
        ended = await self.run(name, ["--version"], {}, within=10.0)
        found = re.search(r"\) (\d+)", ended.out)
        if ended.code or found is None:
            raise Refused(f"{name} does not say which version it is.", todo=MISSING)
        return int(found[1])

    async def run(
        self, name: str, arguments: list[str], env: Mapping[str, str], *, within: float,
        feed: AsyncIterator[bytes] | None = None,
    ) -> Ended:  # fmt: skip
        """Run it to its end. Raises TimeoutError after `within` seconds; killed then, and when we are cancelled."""
        kept = {key: os.environ[key] for key in KEPT if key in os.environ}
        process = await asyncio.create_subprocess_exec(
            self.find(name), *arguments, env={**kept, "LC_ALL": "C", **env},
            stdin=asyncio.subprocess.PIPE if feed is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(within):
                feeding = asyncio.create_task(_feed(process, feed))
                try:
                    out, error = await asyncio.gather(_tail(process.stdout), _tail(process.stderr))
                    await feeding
                finally:
                    feeding.cancel()
                return Ended(out, error, await process.wait())
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def _feed(process: asyncio.subprocess.Process, feed: AsyncIterator[bytes] | None) -> None:
    """Write what it reads; it may end before it has read all."""
    if feed is None or process.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in feed:
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _tail(stream: asyncio.StreamReader | None, most: int = 1 << 20) -> str:
    """All of it is read, so that nobody waits for us; the last part is kept."""
    kept = b""
    while stream is not None and (chunk := await stream.read(65536)):
        kept = (kept + chunk)[-most:]
    return kept.decode("utf-8", "replace")


def environment(dsn: SecretRef, address: str, database: str = "") -> dict[str, str]:
    """An address as libpq's own variables: arguments of a process can be read by everybody on the machine."""
    try:
        options = pq.Conninfo.parse(address.encode())
    except psycopg.Error:
        options = []
    if not options:
        raise ServiceRefused("PostgreSQL", "dsn", f"The value behind {dsn} is no PostgreSQL address.",
                             todo="Write postgresql://user:password@host/database.")  # fmt: skip
    given = {one.keyword.decode(): one for one in options if one.val is not None}
    if strange := sorted(name for name, one in given.items() if not one.envvar):
        raise Refused(f"The address behind {dsn} says {', '.join(strange)}, which pg_dump cannot be told safely.")
    env = {one.envvar.decode(): one.val.decode() for one in given.values() if one.envvar and one.val is not None}
    return {**env, **({"PGDATABASE": database} if database else {})}


def failed(name: str, dsn: SecretRef, ended: Ended, *, write: bool) -> MusterError:
    """Why a program failed, in our own words only."""
    low = ended.error.lower()
    for part, words in SAID.items():
        if part in low:
            return ServiceRefused("PostgreSQL", name, f"{name} for {dsn} failed: {words}.")
    if (found := worded(dsn, ended.error)) is not None:
        return found
    if ended.code < 0:
        return no_answer("PostgreSQL", f"{name} for {dsn}", f"it was killed, {-ended.code}", write=write)
    return ServiceRefused("PostgreSQL", name, f"{name} for {dsn} failed with code {ended.code}.",
                          todo="Run it by hand to see what it says.")  # fmt: skip
