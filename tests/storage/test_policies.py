"""The first policy is adopted; a different one stays proposed, whichever process found it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from storage import policies
from storage.db import Database
from storage.tables import policies as rows
from storage.timeline import ORG, read

FIRST = {
    "approvals": {"people": 2},
    "groups": {"sre": {}},
    "people": {},
    "permissions": {},
    "commands": {},
    "texts": {"not": "guarded"},
}
OTHER = {**FIRST, "approvals": {"people": 1}}


async def types(db: Database) -> list[str]:
    return [event.type for event in await db.read(lambda tx: read(tx, ORG))]


async def test_the_first_is_adopted_and_told_once(db: Database) -> None:
    assert await db.read(policies.active) is None
    for _ in range(3):
        assert await db.write(lambda tx: policies.adopt(tx, FIRST, "aa")) == "active"
    ruling = await db.read(policies.active)
    assert ruling and ruling.digest == "aa" and ruling.adopted_at
    assert ruling.sections == {key: FIRST[key] for key in policies.GUARDED}
    assert await types(db) == ["policy.adopted"]


async def test_a_different_one_is_only_proposed(db: Database) -> None:
    await db.write(lambda tx: policies.adopt(tx, FIRST, "aa"))
    for _ in range(2):
        assert await db.write(lambda tx: policies.adopt(tx, OTHER, "bb")) == "proposed"
    ruling = await db.read(policies.active)
    assert ruling and ruling.digest == "aa"
    assert [one.digest for one in await db.read(policies.proposed)] == ["bb"]
    assert await types(db) == ["policy.adopted", "policy.proposed"]
    (event,) = await db.read(lambda tx: read(tx, ORG, types=("policy.proposed",)))
    assert event.body == {"digest": "bb", "active": "aa"}
    assert await db.write(lambda tx: policies.adopt(tx, FIRST, "aa")) == "active"


async def test_two_replicas_with_two_files_adopt_one(url: str) -> None:
    handles = [Database(url), Database(url)]
    files = [(FIRST, "aa"), (OTHER, "bb")]
    states = await asyncio.gather(
        *(
            h.write(lambda tx, f=f: policies.adopt(tx, *f))
            for h, f in zip(handles, files, strict=True)
            for _ in range(5)
        )
    )
    assert sorted(set(states)) == ["active", "proposed"]
    assert sorted(await types(handles[0])) == ["policy.adopted", "policy.proposed"]
    for handle in handles:
        await handle.close()


async def test_less_than_the_guarded_sections_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="groups"):
        await db.write(
            lambda tx: policies.adopt(tx, {"approvals": {}, "people": {}, "permissions": {}, "commands": {}}, "cc")
        )


async def test_what_an_older_version_wrote_is_renewed_once(db: Database) -> None:
    """It rules on under its new digest; what was proposed against it is no more."""
    old = {name: FIRST[name] for name in ("approvals", "groups", "people")}
    await db.write(lambda tx: policies.adopt(tx, FIRST, "aa"))
    await db.write(lambda tx: tx.conn.execute(update(rows).values(sections=old)))
    await db.write(lambda tx: policies.adopt(tx, OTHER, "bb"))
    before = await db.read(policies.active)
    assert before and "permissions" not in before.sections
    for _ in range(2):
        await db.write(lambda tx: policies.renew(tx, before, FIRST, "cc"))
    ruling = await db.read(policies.active)
    assert ruling and (ruling.digest, ruling.sections["permissions"]) == ("cc", {})
    assert await db.read(policies.proposed) == []
    (told,) = await db.read(lambda tx: read(tx, ORG, types=("policy.renewed",)))
    assert told.body == {"digest": "cc", "replaced": "aa", "adopted": ["permissions", "commands"]}
    assert await db.write(lambda tx: policies.adopt(tx, OTHER, "bb")) == "proposed", "its next start proposes it again"
