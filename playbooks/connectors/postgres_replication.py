"""Servers and their standbys: state, replication, promotion. Part of `postgres.py`.

Belongs here: what PostgreSQL says of itself as a primary or a standby. Does not belong here: whether that will do
(actions), or who else could accept writes (asked of each server on its own).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from playbooks.connectors.postgres_line import Connection, Line
from playbooks.secrets import SecretRef

# The timeline of a primary is in the name of the file it writes; of a standby, in its last checkpoint or its receiver.
SERVER = """
SELECT current_setting('server_version'), (SELECT system_identifier::text FROM pg_control_system()),
  current_database()::text, r.standby, current_setting('default_transaction_read_only') = 'on',
  CASE WHEN r.standby
    THEN greatest((SELECT timeline_id FROM pg_control_checkpoint()), (SELECT received_tli FROM pg_stat_wal_receiver))
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
  pg_postmaster_start_time(), clock_timestamp(),
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
  current_setting('max_connections')::int,
  (SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()),
  (SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
FROM (SELECT pg_is_in_recovery() AS standby) r"""

# A standby that replayed all it received may still lack what was never sent, so 0 is only said while the receiver
# streams and has all that the primary last told of. Else the age of the newest transaction is the most it can lack.
STANDBY = """
SELECT coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text, pg_last_wal_replay_lsn()::text,
  pg_last_xact_replay_timestamp(), pg_is_wal_replay_paused(), coalesce(w.status, '') = 'streaming',
  coalesce(w.status = 'streaming' AND pg_last_wal_replay_lsn() >= w.latest_end_lsn, false),
  extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float,
  greatest(coalesce(pg_wal_lsn_diff(w.latest_end_lsn, pg_last_wal_replay_lsn()), 0),
           coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0))::bigint,
  extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time)::float
FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver w ON true"""

STANDBYS = """
SELECT application_name, coalesce(state, ''), coalesce(sync_state, ''),
  coalesce(extract(epoch FROM replay_lag)::float, 0), pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint,
  extract(epoch FROM clock_timestamp() - reply_time)::float
FROM pg_stat_replication ORDER BY application_name, pid"""


@dataclass(frozen=True)
class Server:
    """A server as it answers. system: the cluster's identifier, the same for a primary and its standbys.

    standby: in recovery; reads_only: new transactions here only read by default; timeline: rises with each promotion.
    longest_s: age of the oldest open transaction, None without one.
    """

    version: str
    system: str
    database: str
    standby: bool
    reads_only: bool
    timeline: int
    started_at: datetime
    now: datetime
    connections: int
    max_connections: int
    idle_in_transaction: int
    longest_s: float | None

    @property
    def writable(self) -> bool:
        """Whether a new session's write would be accepted."""
        return not self.standby and not self.reads_only


@dataclass(frozen=True)
class Standby:
    """A standby as it sees itself. lag_s, lag_bytes: what it lacks, at most; None where it cannot know.

    received, replayed: positions in the log ("0/3000148"); last_at: commit time of the newest transaction it has;
    heard_s: seconds since a primary's last word, None while it hears nobody.
    """

    received: str
    replayed: str
    last_at: datetime | None
    paused: bool
    streaming: bool
    lag_s: float | None
    lag_bytes: int | None
    heard_s: float | None = None


@dataclass(frozen=True)
class Follower:
    """A standby as its primary sees it. lag_s: how long its last replay took; quiet_s: since its last word."""

    name: str
    state: str
    sync: str
    lag_s: float
    lag_bytes: int | None
    quiet_s: float | None


class ReplicationReads(Line):
    """What can be asked of servers."""

    async def server(self, dsn: SecretRef) -> Server:
        """The server and database behind the reference. Raises Temporary (Alive where somebody answered), Refused."""

        async def look(line: Connection) -> Server:
            row = await (await line.execute(SERVER)).fetchone()
            assert row is not None
            return Server(*row)

        return await self._read(dsn, look)

    async def standby(self, dsn: SecretRef) -> Standby:
        """A standby's own view. Ask `server` first: on a primary there is nothing to see."""

        async def look(line: Connection) -> Standby:
            row = await (await line.execute(STANDBY)).fetchone()
            assert row is not None
            received, replayed, last_at, paused, streaming, level, age_s, behind, heard_s = row
            return Standby(received or "", replayed or "", last_at, bool(paused), streaming,
                           0.0 if level else age_s, behind if streaming else None,
                           heard_s if streaming else None)  # fmt: skip

        return await self._read(dsn, look)

    async def followers(self, dsn: SecretRef) -> list[Follower]:
        """The standbys a primary streams to, by name."""

        async def look(line: Connection) -> list[Follower]:
            return [Follower(*row) async for row in await line.execute(STANDBYS)]

        return await self._read(dsn, look)

    async def bytes_behind(self, primary: SecretRef, position: str) -> int:
        """How much log the primary has written past a position, in bytes."""

        async def look(line: Connection) -> int:
            found = await line.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s::pg_lsn)::bigint", (position,))
            row = await found.fetchone()
            return int(row[0]) if row else 0

        return await self._read(primary, look)


class ReplicationActs(Line):
    """What can be done to servers."""

    async def promote(self, dsn: SecretRef, wait_s: int) -> bool:
        """Make a standby a primary; waits so many seconds and says whether it is one by then. Cannot be taken back."""

        async def act(line: Connection) -> bool:
            row = await (await line.execute("SELECT pg_promote(true, %s)", (max(1, wait_s),))).fetchone()
            return bool(row and row[0])

        return await self._over(dsn, act, within=wait_s + self._statement_timeout)
