"""The scripts of the seeds on a host of the sandbox: what each says and changes when it is given the words it knows.

Belongs here: `./scripts/...`. Not: programs (programs.py). A script that is not here is not there either: 127.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.sandbox.host import staging
from bot.sandbox.host.game_day import game_day, rehearsal
from bot.sandbox.host.machine import File, Machine

Said = tuple[int, str]
USAGE = 64


def run(machine: Machine, words: list[str], cwd: str) -> Said:
    """Run a script by its name."""
    script = SCRIPTS.get(words[0].rpartition("/")[2])
    if script is None:
        return 127, f"sh: 1: {words[0]}: not found"
    return script(machine, words[1:])


DOWN = 'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed'


def _healthy(machine: Machine) -> list[str]:
    return [one.name for one in machine.containers.values() if not one.running or one.health != "healthy"]


def _all_healthy(machine: Machine, args: list[str]) -> Said:
    bad = _healthy(machine)
    return (1, f"not healthy: {', '.join(bad)}") if bad else (0, "all healthy")


def _smoke(machine: Machine, args: list[str]) -> Said:
    if len(args) != 1:
        return USAGE, "usage: smoke-tests.sh URL"
    bad = _healthy(machine)
    return (1, f"{args[0]}/health answers 502") if bad else (0, f"{args[0]}: 14 checks passed")


def _integrity(machine: Machine, args: list[str]) -> Said:
    if not machine.database_up:
        return 2, DOWN
    empty = [name for name, rows in machine.databases.items() if not rows]
    return (1, f"no rows in {', '.join(empty)}") if empty else (0, "users 120, products 300, orders 4100")


def _backup(machine: Machine, args: list[str]) -> Said:
    if machine.disk_used >= 100:
        return 1, "pg_dumpall: error: No space left on device"
    now = time.time()
    for name, rows in machine.databases.items():
        machine.files[f"/backups/postgres/{name}_db_{int(now)}.sql.gz"] = File(now, content=rows)
    return 0, f"backup complete: /backups/postgres/main_db_{int(now)}.sql.gz"


def _restore(machine: Machine, args: list[str]) -> Said:
    database = args[-1] if args[-2:-1] == ["--database"] else ""
    if database not in machine.databases:
        return USAGE, "usage: restore-database.sh (--latest | --file F | --from-s3 --s3-bucket B --latest) --database D"
    local = sorted(
        (file.made_at, path)
        for path, file in machine.files.items()
        if path.startswith(f"/backups/postgres/{database}_db_")
    )
    if not machine.database_up:
        return 2, DOWN  # a dump is restored by a server that runs
    match args[:-2]:
        case ["--latest"]:
            path = local[-1][1] if local else ""
        case ["--file", path]:
            pass
        case ["--from-s3", "--s3-bucket", "ecommerce-backups-production", "--latest"]:
            machine.databases[database] = "rows of the newest off-site backup"
            return 0, f"restored {database} from s3://ecommerce-backups-production"
        case _:
            return USAGE, "usage: restore-database.sh …"
    if path not in machine.files:
        return 3, "no backup found"
    if machine.files[path].bad:
        return 1, f"gzip: {path}: unexpected end of file"
    machine.databases[database] = machine.files[path].content
    return 0, f"restored {database} from {path}"


def _verify(machine: Machine, args: list[str]) -> Said:
    database = args[0].removeprefix("--database=") if args else "main"
    newest = max(
        (f.made_at, p, f.bad) for p, f in machine.files.items() if p.startswith(f"/backups/postgres/{database}_")
    )
    if newest[2]:
        return 1, f"{newest[1]} cannot be restored"
    rows = (120, 300, 4100) if machine.files[newest[1]].content else (0, 0, 0)  # as an empty dump leaves it
    counts = "\n".join(f" {name:9} | {n}" for name, n in zip(("users", "products", "orders"), rows, strict=True))
    return 0, f"{counts}\n orders_user_id_fkey | orders | users\n{newest[1]}: backup is valid"


def _backup_of(what: str, content: Callable[[Machine], str]) -> Callable[[Machine, list[str]], Said]:
    def run(machine: Machine, args: list[str]) -> Said:
        status, said = machine.write(f"/backups/{what}/{what}_{int(time.time())}", content(machine))
        return (status, said) if status else (0, "backup complete")

    return run


def _restore_redis(machine: Machine, args: list[str]) -> Said:
    if args != ["--from-s3", "--latest"]:
        return USAGE, "usage: restore-redis.sh --from-s3 --latest"
    machine.keys = "keys of the newest off-site backup"
    return 0, "restored Redis from s3://ecommerce-backups-production"


def _blue_green(machine: Machine, args: list[str]) -> Said:
    if args != ["--rollback"]:
        return USAGE, "usage: blue-green-deploy.sh --rollback"
    machine.colour = "blue" if machine.colour == "green" else "green"
    return 0, f"traffic goes to {machine.colour}"


def _pair(name: str) -> Callable[[Machine, list[str]], Said]:
    return lambda machine, args: staging.script(machine, [f"./scripts/{name}", *args])


def _says(text: str) -> Callable[[Machine, list[str]], Said]:
    return lambda machine, args: (0, text)


SCRIPTS: dict[str, Callable[[Machine, list[str]], Said]] = {
    "backup-databases.sh": _backup, "backup-redis.sh": _backup_of("redis", lambda machine: machine.keys),
    "backup-media.sh": _backup_of("media", lambda machine: machine.volumes["ecommerce_media"]),
    "setup-backup-cron.sh": _says("installed"),
    "restore-database.sh": _restore, "restore-redis.sh": _restore_redis, "verify-backup.sh": _verify,
    "verify-data-integrity.sh": _integrity, "health-check-all.sh": _all_healthy, "smoke-tests.sh": _smoke,
    "scan-all-containers.sh": _says("0 findings"), "blue-green-deploy.sh": _blue_green,
    "disaster_recovery.sh": rehearsal, "run_chaos_game_day.sh": game_day, "setup_dr_network.sh": _says("network is up"),
    "verify_dr_region.sh": _says("region is ready"), "verify_endpoints.sh": _all_healthy,
    "test_auth.sh": _says("signed in"), "rejoin_replica.sh": _pair("rejoin_replica.sh"),
    "switch_over.sh": _pair("switch_over.sh"),
}  # fmt: skip
