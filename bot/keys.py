"""`muster keys`: which of the keys seal what is sealed, and `muster keys rotate`: the newest seals all of it.

Belongs here: both verbs, in words. Does not belong here: what is sealed (storage/resealing.py), making a key (`muster
key`), the doctor's look (bot/doctor_keys.py).
"""

from __future__ import annotations

import sys

from bot.progress import bar
from bot.record import account
from bot.settings import Settings
from playbooks.errors import Refused
from storage import people, resealing
from storage.db import Database, Tx
from storage.incident_rows import Impossible
from storage.resealing import Standing
from storage.sealing import Seal

WHAT = {"factors": "one-time codes", "escrow": "escrow"}


async def show(settings: Settings) -> int:
    """Print how they stand. 1 where one is not sealed by the newest key."""
    seal = _seal(settings)
    async with Database(settings.database_url) as db:
        found, lost = await db.read(lambda tx: _named(tx, resealing.look(tx, seal)))
    sys.stdout.write(f"{standing(found, seal.keys)}\n")
    sys.stdout.write("".join(f"No key opens {one}.\n" for one in lost))
    return 1 if found.old or found.lost else 0


async def rotate(settings: Settings) -> int:
    """Seal all by the newest key. Raises Refused where a value opens with no key: it stays as it is, and is named."""
    seal = _seal(settings)
    try:
        async with Database(settings.database_url) as db:
            done, lost = await _rotated(db, seal)
    except Impossible as no:
        raise Refused(no.message, todo=no.todo) from None
    said = f"{done.old} sealed anew by the newest key{_split(done.older)}"
    if lost:
        raise Refused(
            f"No key of MUSTER_KEY opens {'; '.join(lost)}. These were left as they are; {said}.",
            todo="Put the key that sealed them last into MUSTER_KEY, rotate again, and keep the older keys until then. "
            "Where it is lost: `/playbook mfa reset @…` lets a person set codes up anew; escrow stays closed.",
        )
    after = ", an event of the org stream" if done.old else ""
    spare = " MUSTER_KEY can be the newest key alone now." if seal.keys > 1 else ""
    sys.stdout.write(f"{said}{after}; {sum(done.newest.values())} were already.{spare}\n")
    return 0


async def _rotated(db: Database, seal: Seal) -> tuple[Standing, list[str]]:
    total = await db.read(resealing.count)
    with bar("Sealing anew", total) as progress:
        return await db.write(lambda tx: _named(tx, resealing.rotate(tx, seal, account=account(), progress=progress)))


def standing(found: Standing, keys: int) -> str:
    """In one line. keys: how many MUSTER_KEY holds."""
    if found.lost or found.old:
        older = f", {found.old} by an older one" if found.old else ""
        lost = f", {found.lost} by none of its keys" if found.lost else ""
        return f"{found.count} sealed values: {sum(found.newest.values())} by the newest key{older}{lost}"
    spare = "; the older keys can be taken out of MUSTER_KEY" if keys > 1 else ""
    return f"{found.count} sealed values, all by the newest key{spare}"


def _named(tx: Tx, found: Standing) -> tuple[Standing, list[str]]:
    """What opens with no key, for people: "one-time codes of P-7 (Ben)"."""
    lost = []
    for table, ids in found.unopened.items():
        names = [f"{id} ({name})" if (name := people.name(tx, id)) != id else id for id in ids]
        lost.append(f"{WHAT[table]} of {', '.join(names)}")
    return found, lost


def _split(older: dict[str, int]) -> str:
    parts = [f"{WHAT[table]} {number}" for table, number in sorted(older.items())]
    return f" ({', '.join(parts)})" if parts else ""


def _seal(settings: Settings) -> Seal:
    if settings.seal is None:
        raise Refused("MUSTER_KEY is not set here, so nothing sealed can be read.", todo="Run it where Muster runs.")
    return settings.seal
