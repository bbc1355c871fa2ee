"""The programs of a host of the sandbox besides Docker, and which program a line means.

Belongs here: dispatching an argv, and what df, iptables, systemctl, find, git, terraform and the like say and change.
Everything that is not in the example policy ends with 127, as a shell says of a program it does not find.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from bot.sandbox.host import cold, scripts, staging
from bot.sandbox.host.docker import docker
from bot.sandbox.host.machine import FULL, HOUR, Machine, stamp

Said = tuple[int, str]


def verb(argv: list[str]) -> str:
    """The name by which a line is planned to fail, slowed or answered otherwise: "compose restart", "iptables -I"."""
    words = _plain(argv)
    if words[:2] == ["docker", "compose"]:
        return f"compose {words[6] if len(words) > 6 else ''}".strip()
    program = words[0].rpartition("/")[2]
    if program in ("docker", "systemctl", "iptables", "terraform", "git") and len(words) > 1:
        return f"{program} {words[1]}"
    return program


def _plain(argv: list[str]) -> list[str]:
    """Without sudo and env before the program."""
    words = list(argv)
    while words[:1] in (["sudo"], ["-n"], ["env"]) or (words and "=" in words[0] and words[0].split("=")[0].isupper()):
        words.pop(0)
    return words or [""]


def known(argv: list[str]) -> bool:
    """Whether the first word is a program this host has."""
    return argv[0] == "sudo" or argv[0] in PROGRAMS or argv[0].startswith("./")


def run(machine: Machine, argv: list[str], cwd: str) -> Said:
    """Carry out one line: exit status and output."""
    words = _plain(argv)
    machine.ran.append(" ".join(argv))
    if (instead := machine.answers.get(verb(argv))) is not None:
        return instead
    if words[0].startswith("./"):
        return scripts.run(machine, words, cwd)
    program = PROGRAMS.get(words[0])
    if program is None:
        return 127, f"sh: 1: {words[0]}: not found"
    return program(machine, words[1:], cwd)


def _not(program: str) -> Said:
    return 2, f"{program}: these words are not understood here"


def _df(machine: Machine, args: list[str], cwd: str) -> Said:
    used = machine.disk_used
    head = "Filesystem     1024-blocks      Used Available Capacity Mounted on"
    return 0, f"{head}\n/dev/sda1        100000000 {used}000000 {100 - used}000000      {used}% /"


def _systemctl(machine: Machine, args: list[str], cwd: str) -> Said:
    match args:
        case ["is-active", name]:
            state = machine.services.get(name, "inactive")
            return (0 if state == "active" else 3), state
        case ["restart", name]:
            if not machine.heals or machine.disk_used >= 100:
                machine.services[name] = "failed"
                return 1, f"Job for {name}.service failed because the control process exited with error code."
            machine.services[name] = "active"
            if name == "docker":
                for container in machine.containers.values():
                    container.start()
            return 0, ""
    return _not("systemctl")


def _iptables(machine: Machine, args: list[str], cwd: str) -> Said:
    if len(args) < 3 or args[0] not in ("-I", "-D", "-C"):
        return _not("iptables")
    rule = (args[1], " ".join(args[2:]))
    if args[0] == "-I":
        machine.rules.insert(0, rule)
        return 0, ""
    if rule not in machine.rules:
        return 1, "iptables: Bad rule (does a matching rule exist in that chain?)."
    if args[0] == "-D":
        machine.rules.remove(rule)
    return 0, ""


def _sh(machine: Machine, args: list[str], cwd: str) -> Said:
    """The fixed scripts of the example policy; their arguments come behind them, as words."""
    if args[:2] == ["-o", "pipefail"]:
        args = args[2:]
    if (at_cold := cold.shell(machine, args)) is not None:
        return at_cold
    if (of_staging := staging.shell(machine, args)) is not None:
        return of_staging
    match args:
        case ["-c", script, "sh", folder, database, minutes] if '-mmin "-$3"' in script:
            return _find(machine, folder, database, "", int(minutes))
        case ["-c", script, "sh", folder, database, *until] if script.startswith('find "$1" -name "$2_db_*.sql.gz"'):
            return _find(machine, folder, database, until[0] if until else "")
        case ["-c", script, "sh", name, image, folder] if 'docker commit "$1" "$2"' in script:
            return _keep(machine, name, image, folder, cwd)
        case ["-c", script, "sh", path] if script.startswith('gunzip -t "$1" && sha256sum'):
            status, said = _gunzip(machine, [path], cwd)
            return (status, said) if status else _sha256sum(machine, [f"{path}.sha256"], cwd)
        case ["-c", script] if script.startswith("! journalctl -k"):
            return (1, machine.kernel) if "i/o error" in machine.kernel.lower() else (0, "")
        case ["-c", script, "bash", folder] if "pg_dumpall -U postgres | gzip" in script:
            status, said = docker(machine, ["exec", "ecommerce_postgres", "pg_dumpall", "-U", "postgres"], cwd)
            return machine.write(f"{folder}/databases.sql.gz", said) if status == 0 else (status, said)
    return _not("sh")


def _keep(machine: Machine, name: str, image: str, folder: str, cwd: str) -> Said:
    """A container as an image, that in a file, its log in another; the first that fails ends it."""
    for args in (["commit", name, image], ["save", "--output", f"{folder}/{name}.tar", image], ["logs", name]):
        status, said = docker(machine, args, cwd)
        if status:
            return status, said
    return machine.write(f"{folder}/{name}.log", said)


def _find(machine: Machine, folder: str, database: str, until: str, minutes: int = 0) -> Said:
    latest = datetime.fromisoformat(until).timestamp() if until else time.time()
    earliest = time.time() - 60 * minutes if minutes else 0
    found = [
        (file.made_at, path, file)
        for path, file in machine.files.items()
        if path.startswith(f"{folder}/{database}_db_") and earliest <= file.made_at <= latest
    ]
    if not found:
        return 0, ""
    made, path, file = max(found, key=lambda one: one[0])
    return 0, f"{made:.7f} {stamp(made)[:19]}Z {file.size} {path}"


def _journalctl(machine: Machine, args: list[str], cwd: str) -> Said:
    if args == ["--vacuum-size=200M"]:
        machine.disk_used -= 6
        return 0, "Vacuuming done, freed 1.4G of archived journals from /var/log/journal."
    return 0, 'dockerd[1]: level=error msg="no space left on device"'


def _old(machine: Machine, args: list[str], cwd: str) -> Said:
    """find FOLDER -name "*.sql.gz" -mtime +DAYS"""
    match args:
        case [folder, "-name", "*.sql.gz", "-mtime", days] if days.startswith("+"):
            latest = time.time() - 24 * HOUR * (int(days) + 1)
            old = [
                path for path, file in machine.files.items() if path.startswith(f"{folder}/") and file.made_at < latest
            ]
            return 0, "\n".join(one for one in old if one.endswith(".sql.gz"))
    return _not("find")


def _apt_get(machine: Machine, args: list[str], cwd: str) -> Said:
    """The engine anew: it starts, and with it its containers. A full disk takes no package."""
    if machine.disk_used >= 100:
        return 100, f"E: You don't have enough free space in /var/cache/apt/archives/. {FULL}"
    machine.heals = True
    machine.services |= {"docker": "active", "containerd": "active"}
    for container in machine.containers.values():
        container.start()
    return 0, "Setting up docker-ce"


def _gunzip(machine: Machine, args: list[str], cwd: str) -> Said:
    path = args[-1]
    file = machine.files.get(path)
    if file is None:
        return 1, f"gzip: {path}: No such file or directory"
    return (1, f"gzip: {path}: unexpected end of file") if file.bad else (0, "")


def _sha256sum(machine: Machine, args: list[str], cwd: str) -> Said:
    path = args[-1].removesuffix(".sha256")
    file = machine.files.get(path)
    if file is None:
        return 1, f"sha256sum: {args[-1]}: No such file or directory"
    return (1, f"{path}: FAILED") if file.bad else (0, f"{path}: OK")


def _cat(machine: Machine, args: list[str], cwd: str) -> Said:
    file = machine.files.get(args[-1])
    return (0, file.content) if file else (1, f"cat: {args[-1]}: No such file or directory")


def _ls(machine: Machine, args: list[str], cwd: str) -> Said:
    there = sorted((f.made_at, p) for p, f in machine.files.items() if p.startswith(f"{args[-1]}/"))
    return 0, "\n".join(f"-rw------- 1 root root 1000000 {stamp(at)} {path}" for at, path in reversed(there))


def _git(machine: Machine, args: list[str], cwd: str) -> Said:
    match args:
        case ["describe", "--tags", "--always"]:
            return 0, machine.release
        case ["fetch", "--tags", "origin"]:
            return 0, ""
        case ["checkout", "--detach", tag]:
            if tag not in machine.tags:
                return 1, f"error: pathspec '{tag}' did not match any file(s) known to git"
            machine.release = tag
            return 0, f"HEAD is now at {tag}"
    return _not("git")


def _terraform(machine: Machine, args: list[str], cwd: str) -> Said:
    plan = "Plan: 2 to add, 1 to change, 0 to destroy."
    match args:
        case ["plan", "-input=false", "-no-color", file, out] if file.startswith("-var-file="):
            path = out.removeprefix("-out=")
            status, said = machine.write(path, plan)
            return (status, said) if status else (0, f"{plan}\n\nSaved the plan to: {path}")
        case ["show", "-no-color", path]:
            return (0, plan) if path in machine.files else (1, f"Failed to read the given file: {path}")
        case ["apply", "-input=false", "-no-color", path]:
            if machine.files.pop(path, None) is None:  # a plan is good once: then it is stale
                return 1, "Error: Saved plan is stale"
            return 0, "Apply complete! Resources: 2 added, 1 changed, 0 destroyed."
    return _not("terraform")


def _rm(machine: Machine, args: list[str], cwd: str) -> Said:
    if machine.files.pop(args[-1], None) is not None and args[-1].endswith("muster_fill.dat"):
        machine.disk_used = 61
    return 0, ""


def _systemd_run(machine: Machine, args: list[str], cwd: str) -> Said:
    """A line for later; nobody waits that long here."""
    if not (args[:1] and args[0].startswith("--on-active=")):
        return _not("systemd-run")
    machine.timers.append(" ".join(args))
    return 0, "Running timer as unit"


def _curl(machine: Machine, args: list[str], cwd: str) -> Said:
    down = [one.name for one in machine.containers.values() if not one.running]
    return (22, "curl: (22) The requested URL returned error: 503") if down else (0, '{"status":"ok"}')


def _says(text: str) -> Callable[[Machine, list[str], str], Said]:
    return lambda machine, args, cwd: (0, text)


PROGRAMS: dict[str, Callable[[Machine, list[str], str], Said]] = {
    "docker": docker, "df": _df, "systemctl": _systemctl, "iptables": _iptables, "sh": _sh, "bash": _sh,
    "gunzip": _gunzip, "sha256sum": _sha256sum, "cat": _cat, "ls": _ls, "git": _git, "terraform": _terraform,
    "systemd-run": _systemd_run, "rm": _rm, "curl": _curl, "mkdir": _says(""), "cp": _says(""),
    "free": _says("       total  used  free\nMem:   16000  9000  7000"),
    "journalctl": _journalctl,
    "apt-get": _apt_get, "find": _old, "make": _says("backup complete: /backups/app/latest.dump"),
    "alembic": _says("INFO  [alembic.runtime.migration] Running upgrade a1 -> b2"),
    "pytest": _says("12 passed in 3.41s"), "psql": cold.psql,
    "locust": _says("Name   # reqs  # fails\nAggregated   300   0"),
}  # fmt: skip
