"""`postgres.recovery`: is a server a primary or a standby, on which timeline, and how far is its log?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.probes import Probe
from playbooks.connectors.postgres import PostgresReads
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef


class Recovery(Outputs):
    """Where a server stands."""

    in_recovery: bool = Field(description="Whether it is a standby")
    accepts_writes: bool = Field(description="Whether a new session may write")
    timeline: int = Field(description="Rises with each promotion")
    system: str = Field(description="Identifier of the cluster, the same for a primary and its standbys")
    received: str = Field(description="Log received by a standby, empty on a primary")
    replayed: str = Field(description="Log replayed by a standby, empty on a primary")
    last_transaction_at: datetime | None = Field(description="Newest transaction a standby has (UTC)")
    streaming: bool = Field(description="Whether a standby receives from a primary now")
    paused: bool = Field(description="Whether its replay is paused")


@action("postgres.recovery", risk=Risk.READ, again=Again.SAFE, needs=("postgres:CONNECT", "postgres:pg_read_all_stats"),
        result=Recovery)  # fmt: skip
class RecoveryOf(Probe):
    """Ask a server whether it is a primary or a standby

    Example: {uses: postgres.recovery, with: {dsn: "env://CHECKOUT_SECONDARY_DSN", expect: standby}}
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    expect: Literal["any", "primary", "standby"] = Field(default="any", description="What it must be")

    async def look(self, world: World) -> Recovery:
        """Ask once."""
        reads = world.use(PostgresReads)
        try:
            server = await reads.server(self.dsn)
            standby = await reads.standby(self.dsn) if server.standby else None
        except Temporary as error:
            if not self.within:
                raise
            raise self.missing(error.message) from None
        role = "standby" if server.standby else "primary"
        if self.expect not in ("any", role):
            raise self.missing(f"{self.dsn} is a {role}, not a {self.expect}.")
        return Recovery(
            in_recovery=server.standby, accepts_writes=server.writable, timeline=server.timeline, system=server.system,
            received=standby.received if standby else "", replayed=standby.replayed if standby else "",
            last_transaction_at=standby.last_at if standby else None,
            streaming=bool(standby and standby.streaming), paused=bool(standby and standby.paused),
        )  # fmt: skip

    def wanted(self) -> str:
        """What must be."""
        return f"{self.dsn} must " + ("answer" if self.expect == "any" else f"be a {self.expect}")

    def say(self, done: Recovery) -> str:
        """standby on timeline 1, streaming, replayed up to 0/3000148."""
        if not done.in_recovery:
            return f"primary on timeline {done.timeline}, {'accepts writes' if done.accepts_writes else 'read-only'}"
        how = ("streaming" if done.streaming else "receiving nothing") + (", paused" if done.paused else "")
        return f"standby on timeline {done.timeline}, {how}, replayed up to {done.replayed}"
