"""`postgres.marker_write`: a row that says when it was written, so that what is lost can be measured."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.connectors.postgres_tables import MARKERS
from playbooks.errors import Refused
from playbooks.secrets import SecretRef


class Marked(Outputs):
    """The marker."""

    marker: str = Field(description="Its id, for postgres.marker_read")
    written_at: datetime = Field(description="When the database wrote it (UTC)")
    position: str = Field(description="Position of the log right after it")


@action("postgres.marker_write", risk=Risk.WRITE, again=Again.KEYED, needs=("postgres:INSERT", "postgres:CREATE"),
        result=Marked)  # fmt: skip
class MarkerWrite(Action):
    """Write a marker into a database

    Example: {uses: postgres.marker_write, with: {dsn: "env://CHECKOUT_DSN", note: before the failover}}

    One row in the table muster_markers, which is made where it is missing. It shows that writes are accepted, and read
    back elsewhere (postgres.marker_read) it measures what was lost.
    """

    dsn: SecretRef = Field(description="Reference to the database's address, with a role that may write")
    note: str = Field(default="", description="What it stands for", max_length=200)

    why_no_undo = "A row among markers hurts nobody, and later measurements need it."

    async def plan(self, world: World) -> Plan:
        """Refuses a database that does not accept writes."""
        seen = await world.use(PostgresReads).server(self.dsn)
        if not seen.writable:
            state = "a standby" if seen.standby else "read-only"
            raise Refused(f"{seen.database} at {self.dsn} does not accept writes: it is {state}.",
                          todo="Name the primary, or let it take writes (postgres.read_only_off).")  # fmt: skip
        effect = f"Write a marker into {MARKERS} of {seen.database} at {self.dsn}"
        return Plan(targets=(f"postgres:{seen.system}/{seen.database}/{MARKERS}",), effect=effect)

    async def run(self, act: Act) -> Marked:
        """Write it, once for this attempt."""
        made = await act.use(Postgres).write_marker(self.dsn, act.key, self.note)
        return Marked(marker=made.id, written_at=made.written_at, position=made.position)

    async def verify(self, world: World, done: Marked) -> Seen:
        """It can be read back."""
        seen = await world.use(PostgresReads).newest_marker(self.dsn, done.marker)
        if seen is None:
            return Seen(ok=None, text="not there yet", again_in=1.0)
        return Seen(ok=True, text=f"marker of {seen.written_at:%H:%M:%S} UTC read back")

    def say(self, done: Marked) -> str:
        """Marker written at 08:00:00 UTC."""
        return f"marker written at {done.written_at:%H:%M:%S} UTC, log {done.position}"
