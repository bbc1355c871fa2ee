"""What a host of the sandbox is: containers, volumes, images, a firewall, a disk, services, files.

Belongs here: the state, how it begins, and changing it from outside. Does not belong here: what a program does with it
(docker.py, programs.py, scripts.py), SSH (server.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.host.pair import PRIMARY, REPLICA, Pair

HOUR = 3600.0
FULL = "No space left on device"
PRODUCTION = ("postgres", "redis", "backend", "api_gateway", "nginx")
STAGING = (PRIMARY, REPLICA, "corporate-intel-redis", "corporate-intel-api")
REPOSITORY = "/opt/ecommerce-platform"


def stamp(at: float) -> str:
    """A time as Docker writes it: with nanoseconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


@dataclass
class Container:
    """One container. sick: unhealthy until its volume is another; restarts: Docker brings it back when killed."""

    name: str
    service: str
    image: str
    status: str = "running"  # running | exited | removed (there is none until `up` makes it)
    health: str = "healthy"  # healthy | starting | unhealthy
    started_at: float = field(default_factory=lambda: time.time() - 24 * HOUR)
    sick: bool = False
    restarts: bool = True
    log: list[str] = field(default_factory=lambda: ["ready", "password=hunter2sandbox"])

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def there(self) -> bool:
        return self.status != "removed"

    def start(self) -> None:
        """Run from now on; healthy unless it is sick."""
        self.status, self.started_at = "running", time.time()
        self.health = "unhealthy" if self.sick else "healthy"

    def stop(self) -> None:
        self.status, self.health = "exited", "unhealthy"


@dataclass
class File:
    """One file. content says what is in it; bad: it does not unpack and its checksum is wrong."""

    made_at: float
    size: int = 1_000_000
    content: str = ""
    bad: bool = False


@dataclass
class Run:
    """What was started under a receipt: its output, its exit status once it ended, gone when it was killed."""

    command: str
    output: str = ""
    status: int | None = None
    gone: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Machine:
    """One host. Everything a control call may change is a field."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.booted_at = time.time() - 30 * 24 * HOUR
        staging = name == "staging"
        self.containers = {
            one.name: one for one in (
                [Container(name, name, "corporate-intel") for name in STAGING] if staging
                else [Container(f"ecommerce_{service}", service, f"ecommerce/{service}") for service in PRODUCTION]
            )
        }  # fmt: skip
        self.images = {one.image for one in self.containers.values()} | {"ecommerce/backend:old", "alpine"}
        self.volumes: dict[str, str] = {"ecommerce_postgres_data": "rows", "ecommerce_media": "pictures"}
        self.rules: list[tuple[str, str]] = []  # (chain, rule) as given to iptables, first match first
        self.disk_used = 61
        self.full_at: float | None = None  # when somebody filled the disk last
        self.services = {"docker": "active", "containerd": "active", "postgresql": "active"}
        self.heals = True  # whether restarting Docker helps
        now = time.time()
        self.files: dict[str, File] = {
            f"/backups/postgres/{db}_db_{hours:03d}h.sql.gz": File(now - hours * HOUR, content=f"{db} {hours} h ago")
            for db in ("main", "ai")
            for hours in (3, 9, 15, 21)
        }
        self.files["/etc/cron.d/ecommerce-backups"] = File(now, content=CRON)
        self.files["/backups/database/corporate_intel_db_005h.sql.gz"] = File(now - 5 * HOUR, content="rows 5 h ago")
        self.folders = {"/", ".", REPOSITORY, f"{REPOSITORY}/deploy/docker/scripts", "/backups/postgres", "/opt/app",
                        "/opt/infrastructure", "/opt/corporate-intel", "/backups/database"}  # fmt: skip
        self.tags = {"v1.2", "v1.3", "v1.4", "main", "origin/main"}
        self.release, self.built = "v1.4", "v1.4"
        self.colour = "green"
        self.databases = {"corporate_intel": "rows now"} if staging else {"main": "rows now", "ai": "rows now"}
        self.pair = Pair()  # of PostgreSQL, at staging
        self.cached = 12  # keys of staging's Redis
        self.timers: list[str] = []  # lines that systemd will run later
        self.keys = "keys now"  # what Redis holds
        self.kernel = ""  # what its kernel said last
        self.failing: set[str] = set()  # dependencies of staging that a game day lets fail
        self.failed: set[str] = set()  # those that it let fail of late
        self.answers: dict[str, tuple[int, str]] = {}  # verb -> what it says instead of what it would
        self.slow: dict[str, float] = {}  # verb -> seconds it takes
        self.receipts: dict[str, Run] = {}
        self.ran: list[str] = []  # every line that was carried out, as the program got it
        self.bucket: Callable[[str, str, str], str] = lambda bucket, key, version: "NoSuchBucket"  # why S3 gives none
        if name == "cold":
            self.containers, self.files, self.databases = {}, {}, {"checkout": ""}

    @property
    def up_s(self) -> int:
        return int(time.time() - self.booted_at)

    @property
    def docker(self) -> bool:
        return self.services["docker"] == "active" and self.disk_used < 100

    @property
    def database_up(self) -> bool:
        """Whether PostgreSQL takes connections."""
        found = self.containers.get("ecommerce_postgres")
        return self.docker and found is not None and found.running and found.health == "healthy"

    @property
    def well(self) -> bool:
        """Whether every container is there, runs and is healthy."""
        return self.docker and all(one.running and one.health == "healthy" for one in self.containers.values())

    def write(self, path: str, content: str) -> tuple[int, str]:
        """Make a file, unless the disk is full: exit status and output."""
        if self.disk_used >= 100:
            return 1, f"{path}: {FULL}"
        self.files[path] = File(time.time(), content=content)
        return 0, ""

    def change(self, asked: dict[str, Any]) -> None:
        """Break or mend it. Raises ValueError for what there is not.

        {containers: {name: {status, health, sick, ...}}, services: {docker: failed}, disk_used, heals, answers:
        {verb: [status, text]}, slow: {verb: seconds}, files: {path: {age_s, bad, content} or null}, kill: true (what
        runs is gone), reboot: true (receipts in memory stay, processes are gone)}
        """
        for key, value in asked.items():
            if key in ("disk_used", "heals"):
                setattr(self, key, value)
            elif key == "services":
                self.services |= value
            elif key == "containers":
                for name, fields in value.items():
                    for field_, set_to in fields.items():
                        if field_ not in Container.__dataclass_fields__:
                            raise ValueError(f"a container has no {field_}")
                        setattr(self.containers[name], field_, set_to)
            elif key == "answers":
                self.answers |= {verb: (int(said[0]), str(said[1])) for verb, said in value.items()}
            elif key == "slow":
                self.slow |= {verb: float(seconds) for verb, seconds in value.items()}
            elif key == "files":
                self._files(value)
            elif key in ("kill", "reboot"):
                self._stop_runs()
                self.booted_at = time.time() if key == "reboot" else self.booted_at
            elif key == "forget":
                self.receipts.clear()
            else:
                raise ValueError(f"a host has no {key}")

    def _files(self, changes: dict[str, Any]) -> None:
        for path, fields in changes.items():
            if fields is None:
                self.files.pop(path, None)
                continue
            file = self.files.setdefault(path, File(time.time()))
            file.made_at = time.time() - float(fields["age_s"]) if "age_s" in fields else file.made_at
            file.bad = bool(fields.get("bad", file.bad))
            file.content = str(fields.get("content", file.content))

    def _stop_runs(self) -> None:
        for run in self.receipts.values():
            run.gone = run.gone or run.status is None
            run.over.set()

    def show(self) -> dict[str, Any]:
        """Its state as JSON, for tests and pages."""
        return {
            "name": self.name, "docker": self.docker, "disk_used": self.disk_used, "services": self.services,
            "containers": {one.name: {"status": one.status, "health": one.health, "service": one.service}
                           for one in self.containers.values() if one.there},
            "volumes": self.volumes, "images": sorted(self.images), "rules": [f"{c} {r}" for c, r in self.rules],
            "files": sorted(self.files), "release": self.release, "built": self.built, "colour": self.colour,
            "databases": self.databases, "keys": self.keys, "ran": self.ran,
            "receipts": {key: {"command": run.command, "status": run.status, "gone": run.gone}
                         for key, run in self.receipts.items()},
        }  # fmt: skip


CRON = """0 */6 * * * root /opt/ecommerce-platform/scripts/backup/backup-databases.sh --s3-upload
0 4 * * * root /opt/ecommerce-platform/scripts/backup/backup-redis.sh --s3-upload
0 2 * * * root /opt/ecommerce-platform/scripts/backup/backup-media.sh --s3-upload
0 3 * * 0 root /opt/ecommerce-platform/scripts/backup/verify-backup.sh --all
"""
