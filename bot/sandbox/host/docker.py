"""Docker and Docker Compose on a host of the sandbox, as far as the example policy's commands go.

Belongs here: what `docker …` says and changes. Anything else of it is refused as docker refuses it.
"""

from __future__ import annotations

import json

from bot.sandbox.host import staging
from bot.sandbox.host.machine import REPOSITORY, Container, Machine, stamp

Said = tuple[int, str]
DEAD = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
DATA = "ecommerce_postgres_data"
COMPOSE = ["-f", "deploy/docker/compose/base.yml", "-f", "deploy/docker/compose/production.yml"]


def docker(machine: Machine, args: list[str], cwd: str) -> Said:
    """Run `docker` with these words."""
    if not machine.docker:
        return 1, DEAD
    match args:
        case ["compose", *rest] if rest[:4] == COMPOSE and cwd == REPOSITORY:
            return _compose(machine, rest[4:])
        case ["compose", "-f", "docker-compose.dr.yml", *rest] if cwd == staging.FOLDER:
            return staging.compose(machine, rest)
        case ["inspect", "--format", "{{json .State}}", name]:
            return _inspect(machine, name)
        case ["version", "--format", "{{json .Server}}"]:
            return 0, json.dumps({"Version": "26.1.3", "ApiVersion": "1.45"}, separators=(",", ":"))
        case ["system", "df"]:
            return 0, f"TYPE    TOTAL  ACTIVE\nImages  {len(machine.images)}  {len(machine.containers)}"
        case ["exec", name, *rest]:
            return _exec(machine, name, rest)
        case [("stop" | "start" | "kill") as verb, name]:
            return _lifecycle(machine, verb, name)
        case ["commit", name, image]:
            if _find(machine, name) is None:
                return 1, f"Error response from daemon: No such container: {name}"
            machine.images.add(image)
            return 0, "sha256:" + "c0" * 32
        case ["save", "--output", path, image]:
            return _save(machine, path, image)
        case ["logs", *tail, name] if tail in ([], ["--tail", "50"]):
            found = _find(machine, name)
            return (0, "\n".join(found.log)) if found else (1, f"Error response from daemon: No such container: {name}")
        case ["image", "prune", "--all", "--force", "--filter", "until=24h"]:
            return _prune(machine)
        case ["ps", "--all", "--quiet", "--filter", "name=ecommerce_postgres_test"]:
            return 0, ""  # the restore test removes its own
        case ["volume", *rest]:
            return _volume(machine, rest)
        case ["run", "--rm", *rest]:
            return _run(machine, rest)
    return 125, f"docker: '{' '.join(args)}' is not understood here. See 'docker --help'."


def _find(machine: Machine, name: str) -> Container | None:
    """A container that is there."""
    found = machine.containers.get(name)
    return found if found is not None and found.there else None


def _inspect(machine: Machine, name: str) -> Said:
    found = _find(machine, name)
    if found is None:
        return 1, f"Error: No such object: {name}"
    state = {"Status": found.status, "Running": found.running, "StartedAt": stamp(found.started_at),
             "Health": {"Status": found.health}}  # fmt: skip
    return 0, json.dumps(state, separators=(",", ":"))


def _exec(machine: Machine, name: str, rest: list[str]) -> Said:
    found = _find(machine, name)
    if found is None or not found.running:
        return 1, f"Error response from daemon: container {name} is not running"
    if name in staging.CONTAINERS:
        return staging.inside(machine, name, rest)
    up = machine.database_up
    match rest:
        case ["pg_isready", "-U", "postgres"]:
            return (0, "/var/run/postgresql:5432 - accepting connections") if up else (2, "no response")
        case ["python", "manage.py", "check", "--database", "default"]:
            return (
                (0, "System check identified no issues (0 silenced).") if up else (1, "OperationalError: no connection")
            )
        case ["pg_dumpall", "-U", "postgres"]:
            return (0, "\n".join(machine.databases.values())) if up else (1, "pg_dumpall: error: connection refused")
    return 127, f"exec: {rest[0]}: not found"


def _lifecycle(machine: Machine, verb: str, name: str) -> Said:
    found = _find(machine, name)
    if found is None:
        return 1, f"Error response from daemon: No such container: {name}"
    if verb != "start":
        found.stop()  # after `docker kill` too: who stops it by hand is not overruled by the restart policy
    elif not found.running:
        found.start()
    staging.noticed(machine, name, verb)
    return 0, name


def _save(machine: Machine, path: str, image: str) -> Said:
    if image not in machine.images:
        return 1, f"Error response from daemon: reference does not exist: {image}"
    return machine.write(path, image)


def _prune(machine: Machine) -> Said:
    used = {one.image for one in machine.containers.values()}
    gone = machine.images - used
    machine.images &= used
    machine.disk_used = max(10, machine.disk_used - 10 * len(gone))
    return 0, f"Total reclaimed space: {len(gone) * 2}GB"


def _volume(machine: Machine, args: list[str]) -> Said:
    match args:
        case ["create", name]:
            machine.volumes.setdefault(name, "")
            return 0, name
        case ["inspect", name]:
            if name not in machine.volumes:
                return 1, f"[]\nError response from daemon: get {name}: no such volume"
            return 0, json.dumps([{"Name": name, "Driver": "local"}])
        case ["rm", name]:
            return _volume_remove(machine, name)
    return 125, "docker volume: not understood here"


def _volume_remove(machine: Machine, name: str) -> Said:
    """A container that is stopped still holds its volume; one that is removed does not."""
    database = machine.containers.get("ecommerce_postgres")
    if name == DATA and database is not None and database.there:
        return 1, f"Error response from daemon: remove {name}: volume is in use - [4f2a]"
    if machine.volumes.pop(name, None) is None:
        return 1, f"Error response from daemon: get {name}: no such volume"
    if name == DATA and database is not None:
        machine.databases, database.sick = dict.fromkeys(machine.databases, ""), False
    return 0, name


def _run(machine: Machine, args: list[str]) -> Said:
    """A throw-away alpine over volumes: look, copy, pack. `-v` makes a volume that is not there, as Docker does."""
    mounts: dict[str, str] = {}
    while args[:1] == ["-v"]:
        source, target, *_ = args[1].split(":")
        mounts[target], args = source, args[2:]
    for name in mounts.values():
        if not name.startswith("/"):
            machine.volumes.setdefault(name, "")
    match args:
        case ["alpine", "ls", "-la", "/data"]:
            return 0, f"total 8\n{machine.volumes[mounts['/data']]}"
        case ["alpine", "cp", "-a", "/source/.", "/dest/"]:
            machine.volumes[mounts["/dest"]] = machine.volumes[mounts["/source"]]
            return 0, ""
        case ["alpine", "tar", "czf", path, "-C", "/source", "."]:
            return machine.write(path.replace("/dest", mounts["/dest"], 1), machine.volumes[mounts["/source"]])
    return 125, "docker run: not understood here"


def _compose(machine: Machine, args: list[str]) -> Said:
    match args:
        case ["ps", "--all", "--format", "json"]:
            return 0, "\n".join(
                json.dumps(_row(one), separators=(",", ":")) for one in _chosen(machine, ()) if one.there
            )
        case ["ps", "--all"]:
            there = [one for one in _chosen(machine, ()) if one.there]
            return 0, "\n".join(f"{one.name}  {one.status} ({one.health})" for one in there)
        case ["logs", "--no-color", tail, service] if tail.startswith("--tail="):
            lines = [line for one in machine.containers.values() if one.service == service for line in one.log]
            return 0, "\n".join(lines[-int(tail.removeprefix("--tail=")) :])
        case ["pull"]:
            return 0, "Pulled"
        case ["restart", service]:
            return _each(machine, service, start=True)
        case ["stop", *service]:
            return _each(machine, *service, start=False)
        case ["up", "-d", "--force-recreate", service]:
            return _each(machine, service, start=True)
        case ["up", "-d", "--build"]:
            machine.built = machine.release
            return _each(machine, start=True)
        case ["up", "-d", *service]:
            return _up(machine, *service)
        case ["rm", "--stop", "--force", service]:
            return _removed(machine, service)
        case ["down"]:
            return _removed(machine)
    return 16, f"unknown docker compose command: {' '.join(args)}"


def _row(one: Container) -> dict[str, str]:
    return {"Name": one.name, "Service": one.service, "State": one.status, "Health": one.health if one.running else ""}


def _chosen(machine: Machine, services: tuple[str, ...]) -> list[Container]:
    return [one for one in machine.containers.values() if not services or one.service in services]


def _each(machine: Machine, *services: str, start: bool) -> Said:
    chosen = _chosen(machine, services)
    if not chosen:
        return 14, f"no such service: {' '.join(services)}"
    for one in chosen:
        one.start() if start else one.stop()
    return 0, "\n".join(f" Container {one.name}  {'Started' if start else 'Stopped'}" for one in chosen)


def _removed(machine: Machine, *services: str) -> Said:
    chosen = _chosen(machine, services)
    for one in chosen:
        one.stop()
        one.status = "removed"
    return (0, "\n".join(f" Container {one.name}  Removed" for one in chosen)) if chosen else (14, "no such service")


def _up(machine: Machine, *services: str) -> Said:
    """What runs already is left alone. A database without its volume starts with an empty one."""
    chosen = _chosen(machine, services)
    if not chosen:
        return 14, f"no such service: {' '.join(services)}"
    for one in chosen:
        if one.service == "postgres":
            machine.volumes.setdefault(DATA, "")
        if not one.running:
            one.start()
    return 0, "\n".join(f" Container {one.name}  Running" for one in chosen)
