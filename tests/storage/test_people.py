"""Rows of people: seen once, believed with an age, in groups by source, each change told on the org stream."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import update

from storage import people
from storage.db import Database, Tx
from storage.people import BY_MAIL, MEMBER
from storage.tables import memberships
from storage.timeline import ORG, Event, read


async def org(db: Database, *types: str) -> list[Event]:
    return await db.read(lambda tx: read(tx, ORG, types=types))


def member(tx: Tx, id: str, name: str = "") -> str:
    found = people.believe(tx, "slack", f"T1/{id}", state=MEMBER, name=name or id, email=f"{name or id}@example.com")
    assert found.person
    return found.person


async def test_ids_are_opaque_and_never_the_same(db: Database) -> None:
    ids = [await db.write(lambda tx, n=n: member(tx, f"U{n}")) for n in range(20)]
    assert len(set(ids)) == 20
    assert all(
        len(id) == 14 and id.startswith("P-") and set(id[2:]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for id in ids
    )


async def test_two_first_sights_at_once_leave_one_person(url: str) -> None:
    handles = [Database(url), Database(url)]
    seen = await asyncio.gather(
        *(
            handle.write(lambda tx: people.see(tx, "slack", "T1/U1", state=MEMBER))
            for handle in handles
            for _ in range(10)
        )
    )
    assert len({one.person for one in seen}) == 1
    assert len(await org(handles[0], "person.seen")) == 1
    for handle in handles:
        await handle.close()


async def test_a_stranger_who_joins_becomes_a_person_then(db: Database) -> None:
    stranger = await db.write(lambda tx: people.see(tx, "slack", "T1/U1", state=people.EXTERNAL, name="ana"))
    assert stranger.person is None
    joined = await db.write(lambda tx: people.believe(tx, "slack", "T1/U1", state=MEMBER, name="Ana"))
    assert joined.person
    assert [e.type for e in await org(db)] == ["person.seen", "account.changed"]


async def test_a_change_of_state_is_told_once(db: Database) -> None:
    person = await db.write(lambda tx: member(tx, "U1", "Ana"))
    for _ in range(2):
        await db.write(lambda tx: people.believe(tx, "slack", "T1/U1", state=people.DEACTIVATED))
    (changed,) = await org(db, "account.changed")
    assert changed.body == {"person": person, "kind": "slack", "from": "member", "to": "deactivated", "was": person}
    assert await db.read(lambda tx: people.name(tx, person)) == "Ana"


async def test_names_of_many_and_of_nobody(db: Database) -> None:
    ana = await db.write(lambda tx: member(tx, "U1", "Ana"))
    assert await db.read(lambda tx: people.names(tx, [ana, "P-NOBODY"])) == {ana: "Ana", "P-NOBODY": "P-NOBODY"}
    assert await db.read(lambda tx: people.names(tx, [])) == {}
    assert await db.read(lambda tx: people.with_email(tx, "ANA@example.com")) == [ana]
    assert await db.read(lambda tx: people.with_email(tx, "na@example.com")) == []


async def test_the_best_of_several_accounts_is_the_member_s(db: Database) -> None:
    ana = await db.write(lambda tx: member(tx, "U1", "Ana"))
    await db.write(lambda tx: people.believe(tx, "slack", "T1/U2", state=people.DEACTIVATED, person=ana))
    assert [one.id for one in await db.read(lambda tx: people.accounts_of(tx, ana, "slack"))] == ["T1/U1", "T1/U2"]
    voter = (await db.read(lambda tx: people.voters_by_id(tx, [ana])))[ana]
    old = (await db.read(lambda tx: people.voters_by_id(tx, [ana], {ana: ("slack", "T1/U2")})))[ana]
    assert (voter.state, old.state) == ("member", "deactivated")


async def test_groups_by_source(db: Database) -> None:
    def fill(tx: Tx) -> list[str]:
        ana, ben, chi = (member(tx, id, name) for id, name in (("U1", "Ana"), ("U2", "Ben"), ("U3", "Chi")))
        people.set_group(tx, "sre", {"slack:sre": [ana, ben], "policy": [ben], f"{BY_MAIL}:x": [ben, chi]})
        return [ana, ben, chi]

    ana, ben, chi = await db.write(fill)
    rows = {one.person: one for one in await db.read(lambda tx: people.voters(tx, ["sre"]))}
    sources = {person: one.memberships[0].source for person, one in rows.items()}
    assert sources == {ana: "slack", ben: "policy,slack", chi: BY_MAIL}
    assert [rows[p].memberships[0].for_voting for p in (ana, ben, chi)] == [True, True, False]
    await db.write(lambda tx: people.set_group(tx, "sre", {"slack:sre": [], "policy": [ben], f"{BY_MAIL}:x": []}))
    assert [one.person for one in await db.read(lambda tx: people.members(tx, "sre"))] == [ben]
    assert [e.body["person"] for e in await org(db, "group.left")] == sorted([ana, chi])


async def test_a_proof_after_a_guess_is_as_good_as_new(db: Database) -> None:
    ana = await db.write(lambda tx: member(tx, "U1", "Ana"))
    await db.write(lambda tx: people.set_group(tx, "sre", {"slack:sre": [], f"{BY_MAIL}:x": [ana]}))
    await db.write(lambda tx: tx.conn.execute(update(memberships).values(added_at=tx.now - timedelta(days=30))))
    await db.write(lambda tx: people.set_group(tx, "sre", {"slack:sre": [ana], f"{BY_MAIL}:x": [ana]}))
    (one,) = await db.read(lambda tx: people.members(tx, "sre"))
    assert not one.confirmed
    assert await db.read(lambda tx: tx.now - one.added_at) < timedelta(minutes=1)


async def test_a_new_source_of_an_old_group_is_adopted_once(db: Database) -> None:
    ana, ben = await db.write(lambda tx: (member(tx, "U1"), member(tx, "U2")))
    await db.write(lambda tx: people.set_group(tx, "sre", {"slack:sre": [ana]}))
    await db.write(lambda tx: people.set_group(tx, "sre", {"slack:sre": [ana], "policy": [ben]}))
    confirmed = {one.person: one.confirmed for one in await db.read(lambda tx: people.members(tx, "sre"))}
    assert confirmed == {ana: True, ben: True}
    chi = await db.write(lambda tx: member(tx, "U3"))
    await db.write(lambda tx: people.set_group(tx, "sre", {"slack:sre": [ana], "policy": [ben, chi]}))
    assert {one.person: one.confirmed for one in await db.read(lambda tx: people.members(tx, "sre"))}[chi] is False


async def test_freshness_and_failure(db: Database) -> None:
    await db.write(lambda tx: people.refreshed(tx, "x", "down"))
    assert await db.read(lambda tx: people.refresh_error(tx, "x")) == "down"
    await db.write(lambda tx: people.refreshed(tx, "x"))
    good = await db.read(lambda tx: people.refreshed_at(tx, "x"))
    await db.write(lambda tx: people.refreshed(tx, "x", "down again"))
    assert await db.read(lambda tx: people.refreshed_at(tx, "x")) == good
    assert await db.read(lambda tx: people.refreshed_at(tx, "never")) is None


async def test_on_call_is_replaced_as_a_whole(db: Database) -> None:
    ana, ben = await db.write(lambda tx: (member(tx, "U1", "Ana"), member(tx, "U2", "Ben")))
    await db.write(lambda tx: people.set_oncall(tx, "primary", {ana: 2, ben: 1}))
    assert [one.name for one in await db.read(lambda tx: people.on_call(tx, "primary"))] == ["Ben", "Ana"]
    await db.write(lambda tx: people.set_oncall(tx, "primary", {ana: 1}))
    assert [one.name for one in await db.read(lambda tx: people.on_call(tx, "primary"))] == ["Ana"]
    await db.write(lambda tx: people.set_oncall(tx, "primary", {}))
    assert await db.read(lambda tx: people.on_call(tx, "primary")) == []
