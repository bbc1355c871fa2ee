"""`postgres.count_tables`: exactly how many rows, and are they the same as elsewhere?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.postgres import Counted, PostgresReads
from playbooks.errors import Refused
from playbooks.secrets import SecretRef


class TablesCounted(Outputs):
    """What was counted."""

    rows: dict[str, int] = Field(description="Rows of each table, of one moment")
    checksums: dict[str, str] = Field(description="Checksum of all rows of each table, where asked for")
    expected: dict[str, int] = Field(description="Rows each was compared with; empty where nothing was")
    missing: int = Field(description="Rows fewer than expected, over all tables")


@action("postgres.count_tables", risk=Risk.READ, again=Again.SAFE, needs=("postgres:SELECT",), result=TablesCounted)
class CountTables(Action):
    """Count the rows of the tables that matter

    Example: {uses: postgres.count_tables, with: {dsn: "env://CHECKOUT_DSN", tables: [orders], checksums: true}}

    With `compare_to` (another database) or `expect` (numbers an earlier step saw), refuses what differs by more than
    `missing_percent`. Checksums do not depend on the order of rows; with them, every value must be the same.
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    tables: list[str] = Field(description='Tables ("sales.orders" with a schema)', min_length=1, max_length=50)
    database: str = Field(default="", description="Another database of that server, such as a scratch copy")
    checksums: bool = Field(default=False, description="Also a checksum of all rows; reads every value")
    compare_to: SecretRef | None = Field(default=None, description="Database that must hold the same")
    expect: dict[str, int] = Field(default={}, description="Rows each table must have at least")
    expect_checksums: dict[str, str] = Field(default={}, description="Checksums that must be the same")
    missing_percent: float = Field(
        default=0.0, ge=0, le=100, description="How many of the expected rows may be missing"
    )
    limit: Length = Field(default=timedelta(seconds=60), description="How long one table may take (60s or seconds)")

    timeout_s = 900.0

    async def look(self, world: World) -> TablesCounted:
        """Count, compare. Refused when a table cannot be counted or differs."""
        reads = world.use(PostgresReads)
        sums = self.checksums or bool(self.expect_checksums)
        here = await self._count(reads, self.dsn, sums, self.database)
        expected, wanted = dict(self.expect), dict(self.expect_checksums)
        if self.compare_to is not None:
            there = await self._count(reads, self.compare_to, sums, "")
            expected |= {one.name: one.rows or 0 for one in there}
            wanted |= {one.name: one.checksum or "" for one in there if sums}
        if problems := self._differences(here, expected, wanted):
            raise Refused(f"{self._where()} is not as expected: {'; '.join(problems)}.", todo="Find out why first.")
        return TablesCounted(
            rows={one.name: one.rows or 0 for one in here},
            checksums={one.name: one.checksum or "" for one in here if self.checksums},
            expected={one.name: expected[one.name] for one in here if one.name in expected},
            missing=sum(max(0, expected.get(one.name, 0) - (one.rows or 0)) for one in here),
        )

    async def _count(self, reads: PostgresReads, dsn: SecretRef, sums: bool, database: str) -> list[Counted]:
        within = max(1.0, self.limit.total_seconds())
        counted = await reads.count_tables(dsn, self.tables, checksums=sums, within=within, database=database)
        if problems := [f"{one.name}: {one.problem}" for one in counted if one.problem]:
            raise Refused(f"Not every table of {dsn} could be counted: {'; '.join(problems)}.",
                          todo="Name other tables, allow the role to read them, or give them more time.")  # fmt: skip
        return counted

    def _differences(self, here: list[Counted], expected: dict[str, int], wanted: dict[str, str]) -> list[str]:
        found = []
        for one in here:
            rows, should = one.rows or 0, expected.get(one.name)
            if should is not None and rows < should * (1 - self.missing_percent / 100):
                found.append(f"{one.name} has {rows} rows, {should} were expected")
            elif self.compare_to is not None and not self.missing_percent and should is not None and rows > should:
                found.append(f"{one.name} has {rows} rows, {should} there")
            elif one.name in wanted and wanted[one.name] != one.checksum and rows == should:
                found.append(f"{one.name} has as many rows, with other values")
        return found

    def _where(self) -> str:
        return f"{self.database} at {self.dsn}" if self.database else f"{self.dsn}"

    def say(self, done: TablesCounted) -> str:
        """orders 40, payments 40; as expected."""
        counts = ", ".join(f"{name} {rows}" for name, rows in done.rows.items())
        less = f"; {done.missing} fewer than expected, within bounds" if done.missing else "; as expected"
        return counts + (less if done.expected else "")
