"""Who joined a group lately counts once two of its approvers vouch, neither the new one nor who added them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from playbooks.engine.decisions import confirm_member
from playbooks.errors import Refused
from storage import people, timeline
from storage.tables import memberships


async def joins(stage: Any, who: str, *, by: str = "") -> None:
    """Into sre, seen by its source just now."""

    def work(tx: Any) -> None:
        mine = [one.person for one in people.members(tx, "sre")]
        people.set_group(tx, "sre", {"policy": [*mine, stage.persons[who]]})
        if by:
            tx.conn.execute(
                update(memberships).where(memberships.c.person == stage.persons[who]).values(added_by=stage.persons[by])
            )

    await stage.db.write(work)


async def ask(stage: Any, house: Any, who: str, by: str) -> Any:
    person, asker = stage.persons[who], stage.persons[by]
    return await stage.db.write(lambda tx: confirm_member.ask(tx, house, person=person, group="sre", asked_by=asker))


async def confirmed(stage: Any, who: str) -> bool:
    found = await stage.db.read(lambda tx: people.voters_by_id(tx, [stage.persons[who]]))
    return bool(found[stage.persons[who]].memberships[0].confirmed)


async def test_two_of_the_group_vouch_and_it_counts(stage: Any, house: Any, says: Any) -> None:
    await joins(stage, "eve")
    made = await ask(stage, house, "eve", "ana")
    assert made.body["title"] == "Confirm Eve as an approver in @sre"
    about = await says("eve")
    assert not about.ok and "This is about you" in about.text
    assert not (await says("ana")).ok, "who is not of the group does not count"
    assert (await says("ben")).ok and not await confirmed(stage, "eve")
    assert "count in `@sre` from now on" in (await says("chi")).text
    assert await confirmed(stage, "eve")
    (event,) = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("group.confirmed",)))
    assert event.body["by"] == [stage.persons["ben"], stage.persons["chi"]]
    with pytest.raises(Refused, match="already"):
        await ask(stage, house, "eve", "ana")


async def test_who_added_them_does_not_count_and_asking_does(stage: Any, house: Any, says: Any) -> None:
    await joins(stage, "eve", by="ben")
    await ask(stage, house, "eve", "chi")
    about = await says("ben")
    assert not about.ok and "This is about you" in about.text
    assert "already counts" in (await says("chi")).text
    assert (await says("dov")).ok and await confirmed(stage, "eve")


async def test_a_new_one_cannot_vouch_for_a_new_one(stage: Any, house: Any, says: Any) -> None:
    await joins(stage, "eve")
    await joins(stage, "ana")
    await ask(stage, house, "ana", "ben")
    assert not (await says("eve")).ok
    assert not await confirmed(stage, "ana")


async def test_who_left_and_came_back_is_somebody_new(stage: Any, house: Any, says: Any) -> None:
    await joins(stage, "eve")
    await ask(stage, house, "eve", "ben")
    rest = [stage.persons[one] for one in ("ben", "chi", "dov")]
    await stage.db.write(lambda tx: people.set_group(tx, "sre", {"policy": rest}))
    await joins(stage, "eve")
    said = await says("chi")
    assert not said.ok and "left `@sre` and joined it again" in said.text
    assert not await confirmed(stage, "eve")


async def test_nobody_outside_is_confirmed(stage: Any, house: Any) -> None:
    with pytest.raises(Refused, match="is not in"):
        await ask(stage, house, "eve", "ben")
