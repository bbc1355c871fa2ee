"""The restore host of the cold site: a machine with psql and the AWS client, its database empty in the beginning.

Belongs here: fetching a backup from the sandbox's S3, restoring it, counting tables. Does not belong here: other hosts'
programs (programs.py), S3 itself (``bot/sandbox/aws*.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.host.machine import Machine

NAME = "cold"
SUM = "5f" * 32  # of whatever was fetched: nobody here has its bytes
Said = tuple[int, str]


def shell(machine: Machine, args: list[str]) -> Said | None:
    """The fixed scripts of the example policy; None for any other."""
    match args:
        case ["-c", script, "sh", folder, key, bucket, object, version] if "aws s3api get-object" in script:
            return _fetch(machine, f"{folder}/{key}.sql.gz", bucket, object, version)
        case ["-c", script, "bash", path, database] if script.startswith('gunzip -c "$1" | psql'):
            return _restore(machine, path, database)
    return None


def psql(machine: Machine, args: list[str], cwd: str) -> Said:
    """How many tables a database has."""
    if len(args) != 4 or not args[3].startswith("service="):
        return 1, "psql: error: unknown option"
    rows = machine.databases.get(args[3].removeprefix("service="))
    return (2, f"psql: error: definition of {args[3]} not found") if rows is None else (0, "3" if rows else "0")


def _fetch(machine: Machine, path: str, bucket: str, object: str, version: str) -> Said:
    said = machine.bucket(bucket, object, version)
    if said:
        return 254, f"An error occurred ({said}) when calling the GetObject operation"
    status, words = machine.write(path, f"rows of {object}")
    return (status, words) if status else (0, f"{SUM}  {path}")


def _restore(machine: Machine, path: str, database: str) -> Said:
    file = machine.files.get(path)
    if file is None or file.bad:
        return 1, f"gzip: {path}: {'unexpected end of file' if file else 'No such file or directory'}"
    if machine.databases.get(database):
        return 3, 'psql: ERROR:  relation "orders" already exists'
    machine.databases[database] = file.content
    return 0, ""
