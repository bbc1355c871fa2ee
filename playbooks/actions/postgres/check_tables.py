"""`postgres.check_tables`: can the tables that matter be read?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.postgres import PostgresReads, TableSeen
from playbooks.durations import words
from playbooks.errors import NotYet, Temporary
from playbooks.secrets import SecretRef


class TablesRead(Outputs):
    """What was read."""

    readable: tuple[str, ...] = Field(description="Tables of which a row could be read")
    empty: tuple[str, ...] = Field(description="Those of them without any row")
    rows: dict[str, int] = Field(description="The planner's estimate of rows, where there is one")


@action("postgres.check_tables", risk=Risk.READ, again=Again.SAFE, needs=("postgres:SELECT",), result=TablesRead)
class CheckTables(Action):
    """Read the tables that matter

    Example: {uses: postgres.check_tables, with: {dsn: "env://CHECKOUT_DSN", tables: [orders, payments]}}
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    tables: list[str] = Field(description='Tables, with a schema where needed ("sales.orders")', min_length=1)
    within: Length = Field(
        default=timedelta(seconds=120), description="How long they may take to become readable (2m, 90s or seconds)"
    )

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> TablesRead:
        """Read once. NotYet while the database is away or a table cannot be read."""
        try:
            seen = await world.use(PostgresReads).check_tables(self.dsn, self.tables)
        except Temporary as error:
            raise NotYet(error.message) from None
        if problems := _problems(seen):
            raise NotYet(problems)
        return TablesRead(
            readable=tuple(one.name for one in seen),
            empty=tuple(one.name for one in seen if not one.has_rows),
            rows={one.name: one.rows for one in seen if one.rows is not None},
        )

    async def plan(self, world: World) -> Plan:
        """Looks once and says what it sees now and what must be."""
        names = ", ".join(self.tables)
        effect = f"{names} must be readable within {words(self.within)}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=(f"Now: {self.say(seen)}",), outputs=seen.model_dump(mode="json"))

    def say(self, done: TablesRead) -> str:
        """orders, payments readable."""
        empty = f" ({', '.join(done.empty)} empty)" if done.empty else ""
        return f"{', '.join(done.readable)} readable{empty}"


def _problems(seen: list[TableSeen]) -> str:
    return "; ".join(f"{one.name}: {one.problem}" for one in seen if not one.readable)
