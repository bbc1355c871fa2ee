"""`postgres.dump`: a fresh logical copy of a database, in the folder of dumps."""

from __future__ import annotations

import hashlib

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.errors import Refused
from playbooks.secrets import SecretRef

LONGEST_S = 6 * 3600.0


class Dumped(Outputs):
    """The copy."""

    file: str = Field(description="Name of the file in the folder of dumps, for postgres.restore_scratch")
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Digest of the file")
    server_version: str = Field(description="Version of the server it was taken from")


@action("postgres.dump", risk=Risk.WRITE, again=Again.KEYED, needs=("postgres:SELECT", "host:pg_dump"), result=Dumped)
class Dump(Action):
    """Dump a database

    Example: {uses: postgres.dump, with: {dsn: "env://CHECKOUT_DSN", label: checkout-rehearsal}}

    pg_dump's custom format, whole or not at all, under a name of the step's own in the folder MUSTER_DUMPS. A repeat of
    the same step finds its file. Needs pg_dump on this machine, as new as the server.
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    label: str = Field(description="How the file's name begins", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$")

    timeout_s = LONGEST_S
    verify_within_s = LONGEST_S

    async def plan(self, world: World) -> Plan:
        """Refuses without pg_dump, or with one older than the server."""
        reads = world.use(PostgresReads)
        server, program = await reads.server(self.dsn), await reads.program("pg_dump")
        if program < int(server.version.split(".", maxsplit=1)[0]):
            raise Refused(f"pg_dump {program} cannot dump a server of {server.version}; nothing was done.",
                          todo="Install newer client programs, or name their folder in MUSTER_PG_BIN.")  # fmt: skip
        return Plan(
            targets=(f"dump:{self.label}",),
            effect=f"Dump {server.database} at {self.dsn} to {self.label}-….dump on the machine Muster runs on",
            notes=(f"pg_dump {program}, server {server.version}",),
            undo="Delete the file.",
        )

    async def run(self, act: Act) -> Dumped:
        """Dump it."""
        version = (await act.use(PostgresReads).server(self.dsn)).version
        file = f"{self.label}-{hashlib.sha256(act.key.encode()).hexdigest()[:10]}.dump"
        copy = await act.use(Postgres).dump(self.dsn, file, LONGEST_S - 60)
        return Dumped(file=copy.file, size=copy.size, sha256=copy.sha256, server_version=version)

    async def verify(self, world: World, done: Dumped) -> Seen:
        """All of it can be read as a restore would, and it is the file that was written."""
        reads = world.use(PostgresReads)
        copy = await reads.copy(done.file, digest=True)
        if copy is None or copy.sha256 != done.sha256:
            return Seen(ok=False, text=f"{done.file} is {'gone' if copy is None else 'another file now'}")
        try:
            tables = await reads.readable(done.file, LONGEST_S - 60)
        except Refused as error:
            return Seen(ok=False, text=error.message)
        return Seen(ok=True, text=f"{done.file} can be read to its end: {tables} tables", facts={"tables": tables})

    async def undo(self, act: Act, done: Dumped) -> Dumped:
        """Delete the file."""
        await act.use(Postgres).remove_copy(done.file)
        return done

    async def plan_undo(self, world: World, done: Dumped) -> Plan:
        """Refuses when it is gone."""
        if await world.use(PostgresReads).copy(done.file) is None:
            raise Refused(f"There is no dump {done.file} any more.", todo="There is nothing to take back.")
        return Plan(targets=(f"dump:{done.file}",), effect=f"Delete the dump {done.file} ({done.size:,} bytes)",
                    undo="None. Dump it again.")  # fmt: skip

    async def verify_undo(self, world: World, done: Dumped) -> Seen:
        """It is gone."""
        there = await world.use(PostgresReads).copy(done.file) is not None
        return Seen(ok=not there, text=f"{done.file} is {'still there' if there else 'deleted'}")

    def say(self, done: Dumped) -> str:
        """checkout-1f….dump, 12,345 bytes."""
        return f"{done.file}, {done.size:,} bytes, SHA-256 {done.sha256[:12]}…"
