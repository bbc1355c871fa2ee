"""The read replica of checkout's database in the other region: the same rows behind a port of its own, which says that
it is a standby until RDS promoted it.

Belongs here: what makes a connection look like one to a standby (functions of PostgreSQL in a schema before its own,
read only). Does not belong here: real replication, which the tests of promotions have two real servers for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.sandbox.aws_seed import REPLICA
from bot.sandbox.gate import Ends, Gate
from bot.sandbox.postgres_wire import PostgresWire

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox
    from bot.sandbox.service import Database

# It hears its primary no more, as when a region is lost; what it lacks is the age of its newest transaction.
SAYS = """
CREATE SCHEMA IF NOT EXISTS replica;
CREATE OR REPLACE FUNCTION replica.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OR REPLACE FUNCTION replica.pg_last_wal_receive_lsn() RETURNS pg_lsn LANGUAGE sql
  AS 'SELECT pg_current_wal_lsn()';
CREATE OR REPLACE FUNCTION replica.pg_last_wal_replay_lsn() RETURNS pg_lsn LANGUAGE sql
  AS 'SELECT pg_current_wal_lsn()';
CREATE OR REPLACE FUNCTION replica.pg_is_wal_replay_paused() RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OR REPLACE FUNCTION replica.pg_last_xact_replay_timestamp() RETURNS timestamptz LANGUAGE sql
  AS $$SELECT clock_timestamp() - current_setting('replica.lag')::interval$$;
CREATE OR REPLACE VIEW replica.pg_stat_wal_receiver AS SELECT ''::text AS status, NULL::pg_lsn AS latest_end_lsn,
  NULL::int AS received_tli, NULL::timestamptz AS last_msg_receipt_time WHERE false;
"""
AS_STANDBY = "-c search_path=replica,pg_catalog,public -c default_transaction_read_only=on -c replica.lag={lag:g}s"


class Replica:
    """The port. Whether it is a standby is what moto says of the instance when somebody connects."""

    def __init__(self, sandbox: Sandbox, database: Database) -> None:
        self.sandbox, self.database = sandbox, database
        self.gate = Gate(lambda: sandbox.wire, lambda: _Wire(self), self._open)
        self._made: asyncio.Future[None] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.gate.port}/{self.database.name}"

    async def follows(self) -> bool:
        """Whether it is still a replica."""
        corrections = await self.sandbox.aws.corrections()
        await self.sandbox.aws.seed("rds")
        return bool(corrections.instance(REPLICA).source_db_instance_identifier)

    async def _open(self) -> Ends:
        await self.database.start()
        if self._made is None:
            self._made = asyncio.get_running_loop().run_in_executor(None, self.database.execute, SAYS)
        await asyncio.shield(self._made)
        return await self.database.opened()


class _Wire(PostgresWire):
    """A connection that begins with other settings."""

    def __init__(self, replica: Replica) -> None:
        super().__init__()
        self._replica = replica

    async def begins(self, startup: bytes) -> bytes:
        """Before the last zero byte: `options`, as libpq sends them."""
        if not await self._replica.follows():
            return startup
        lag = self._replica.sandbox.settings.replica_lag_seconds
        return startup[:-1] + b"options\0" + AS_STANDBY.format(lag=lag).encode() + b"\0\0"
