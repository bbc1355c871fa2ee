"""What staging of the sandbox has besides Docker itself: a pair of databases, a cache, an API, and their scripts.

Belongs here: what is said in these containers and by these scripts, and what it changes. Does not belong here: who of
the databases takes writes (pair.py), the demo's addresses (front.py).
"""

from __future__ import annotations

import re
import time

from bot.sandbox.host.machine import STAGING, Machine
from bot.sandbox.host.pair import OTHER, PRIMARY, REPLICA

Said = tuple[int, str]
FOLDER = "/opt/corporate-intel"
CONTAINERS = STAGING
REDIS, API = "corporate-intel-redis", "corporate-intel-api"
PSQL = ["psql", "-U", "postgres", "-d", "corporate_intel", "-Atc"]


def noticed(machine: Machine, name: str, verb: str) -> None:
    """A container was started or stopped: its failover manager and its cache notice."""
    if name in OTHER:
        machine.pair.start(name) if verb == "start" else machine.pair.stop(name)
    if name == REDIS:
        machine.cached = 0


def inside(machine: Machine, name: str, words: list[str]) -> Said:
    """`docker exec` in a container that runs."""
    if name == REDIS and words == ["redis-cli", "DBSIZE"]:
        return 0, str(machine.cached)
    if name in OTHER and words[:-1] == PSQL:
        return _sql(machine, name, words[-1])
    return 127, f"exec: {words[0]}: not found"


def _sql(machine: Machine, name: str, query: str) -> Said:
    pair = machine.pair
    if query == "SELECT pg_is_in_recovery()":
        return 0, "f" if name in pair.writers else "t"
    if "pg_stat_replication" in query:
        return 0, str(int(pair.streams(name)))
    if "FROM companies" in query:
        return 0, "40|480" if machine.databases["corporate_intel"] else "0|0"
    text = re.search(r"'(DR drill \w+)'", query)
    if text and query.startswith("INSERT INTO audit_log"):
        if not pair.write(name, text[1]):
            return 1, "ERROR:  cannot execute INSERT in a read-only transaction"
        return 0, f"{text[1]}\nINSERT 0 1"
    if text and query.startswith("SELECT count(*) FROM audit_log"):
        return 0, str(pair.held[name].count(text[1]))
    return 1, "ERROR:  syntax error"


def compose(machine: Machine, args: list[str]) -> Said:
    """`docker compose -f docker-compose.dr.yml up -d … --wait`: what runs already is left alone."""
    if args[:2] != ["up", "-d"] or "--wait" not in args:
        return 16, f"unknown docker compose command: {' '.join(args)}"
    if "--build" in args:
        machine.built = machine.release
    for one in machine.containers.values():
        if not one.running and (args[-1] != "postgres" or one.name == PRIMARY):
            one.start()
            noticed(machine, one.name, "start")
    return 0, "Healthy"


def script(machine: Machine, words: list[str]) -> Said:
    """The scripts of its databases."""
    match words:
        case ["./scripts/rejoin_replica.sh", name, other] if OTHER.get(name) == other:
            if not machine.pair.rejoin(name):
                return 2, f"{other} is not the primary"
            machine.containers[name].start()
            return 0, f"{name} follows {other}"
        case ["./scripts/switch_over.sh", name] if name in OTHER:
            return (0, f"{name} is the primary") if machine.pair.switch(name) else (2, f"{OTHER[name]} is not followed")
    return 64, "usage: rejoin_replica.sh CONTAINER PRIMARY | switch_over.sh CONTAINER"


def shell(machine: Machine, words: list[str]) -> Said | None:
    """The fixed shell scripts of staging's commands; None for others."""
    match words:
        case ["-c", text, "sh", name] if text.endswith('kill -9 "$pid"'):
            return _kill(machine, name)
        case ["-c", text, "sh", path, leave] if "fallocate" in text:
            return _fill(machine, path, int(leave))
        case ["-c", text, "sh", release] if text.startswith("git fetch"):
            if release not in machine.tags:
                return 1, f"error: pathspec '{release}' did not match any file(s) known to git"
            machine.release = release
            return 0, f"HEAD is now at {release}"
        case ["-c", text, "bash", path] if text.startswith('gunzip -c "$1" | docker exec -i'):
            return _restore(machine, path)
    return None


def _kill(machine: Machine, name: str) -> Said:
    """The process, not the container: its restart policy sees it end, and brings it back."""
    found = machine.containers.get(name)
    if found is None or not found.running:
        return 1, ""
    found.stop()
    if found.restarts:
        found.start()
    return 0, ""


def _fill(machine: Machine, path: str, leave: int) -> Said:
    if machine.disk_used >= 100 - leave:
        return 1, ""
    machine.write(path, "")
    machine.disk_used, machine.full_at = 100 - leave, time.time()
    return 0, ""


def _restore(machine: Machine, path: str) -> Said:
    file = machine.files.get(path)
    if file is None or file.bad:
        return 1, f"gzip: {path}: unexpected end of file"
    if PRIMARY in machine.pair.down or PRIMARY not in machine.pair.writers:
        return 2, "psql: error: connection failed"
    machine.databases["corporate_intel"] = file.content
    return 0, "COMMIT"


def answers(machine: Machine, path: str) -> int:
    """What the API at an address says: its status. `away` is the same, where the replica takes writes."""
    api = machine.containers[API]
    if not (machine.docker and api.running):
        return 503
    if path.endswith("/ping"):
        return 200
    if path.startswith("away/"):
        return 200 if REPLICA in machine.pair.writers - machine.pair.down else 503
    if not machine.pair.writers - machine.pair.down:
        return 503
    if machine.containers[REDIS].running:
        machine.cached = 12  # what was read is kept
    return 200
