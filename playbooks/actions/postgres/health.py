"""`postgres.health`: does a database answer, and how busy is it?"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.actions.probes import Probe
from playbooks.connectors.postgres import PostgresReads
from playbooks.durations import words
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef


class Health(Outputs):
    """A server as it answers."""

    version: str = Field(description="Version of the server")
    role: str = Field(description='"primary" or "standby"')
    accepts_writes: bool = Field(description="Whether a new session may write")
    up_since: datetime = Field(description="When the server was started (UTC)")
    connections: int = Field(description="Connections now, of all databases")
    max_connections: int = Field(description="Connections there may be")
    used_percent: int = Field(description="Of the connections there may be, how many are used")
    idle_in_transaction: int = Field(description="Sessions that hold a transaction open and do nothing")
    longest_transaction_s: float = Field(description="Age of the oldest open transaction in seconds, 0 without one")


@action("postgres.health", risk=Risk.READ, again=Again.SAFE, needs=("postgres:CONNECT", "postgres:pg_read_all_stats"),
        result=Health)  # fmt: skip
class HealthOf(Probe):
    """Ask a database how it is

    Example: {uses: postgres.health, with: {dsn: "env://CHECKOUT_DSN", connections_below: 90, within: 2m}}
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    connections_below: int = Field(default=100, ge=1, le=100, description="Percent of connections that may be used")
    transaction_below: Length | None = Field(default=None, description="How old the oldest open transaction may be")
    writes: bool = Field(default=False, description="Whether it must accept writes")

    async def look(self, world: World) -> Health:
        """Ask once. Away, full or slow is not yet (or no, when there is no time given)."""
        try:
            seen = await world.use(PostgresReads).server(self.dsn)
        except Temporary as error:
            if not self.within:
                raise
            raise self.missing(error.message) from None
        used = round(100 * seen.connections / seen.max_connections)
        health = Health(
            version=seen.version, role="standby" if seen.standby else "primary", accepts_writes=seen.writable,
            up_since=seen.started_at, connections=seen.connections, max_connections=seen.max_connections,
            used_percent=used, idle_in_transaction=seen.idle_in_transaction,
            longest_transaction_s=round(seen.longest_s or 0.0, 3),
        )  # fmt: skip
        if problem := self._problem(health):
            raise self.missing(f"{self.dsn}: {problem}.", todo="postgres.blocked says who holds what.")
        return health

    def _problem(self, seen: Health) -> str:
        if self.writes and not seen.accepts_writes:
            return "it does not accept writes" + (" (a standby)" if seen.role == "standby" else " (read-only)")
        if seen.used_percent > self.connections_below:
            return f"{seen.connections} of {seen.max_connections} connections are used"
        if self.transaction_below and seen.longest_transaction_s > self.transaction_below.total_seconds():
            return f"a transaction has been open for {words(timedelta(seconds=round(seen.longest_transaction_s)))}"
        return ""

    def wanted(self) -> str:
        """What must be."""
        return f"{self.dsn} must {'accept writes' if self.writes else 'answer'} and have connections to spare"

    def say(self, done: Health) -> str:
        """PostgreSQL 18.4, primary, 12 of 100 connections."""
        busy = f", oldest transaction {done.longest_transaction_s:.0f} s" if done.longest_transaction_s >= 1 else ""
        only = "" if done.accepts_writes or done.role == "standby" else ", read-only"
        used = f"{done.connections} of {done.max_connections} connections"
        return f"PostgreSQL {done.version}, {done.role}{only}, {used}{busy}"
