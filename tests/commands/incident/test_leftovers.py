"""/incident leftovers"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from bot.render.board import draw, read
from commands.leaving import PAGE
from playbooks.engine.post_mortem import TimelineDrafts
from storage.tables import steps
from tests.commands.playbook.test_undo import deactivated


async def test_all_are_listed_a_page_at_a_time(talk: Any) -> None:
    id = await deactivated(talk)
    reply = await talk("Ana", "incident leftovers")
    assert (
        reply.ok
        and "*INC-1*: 1 left over" in reply.text
        and [one.label for one in reply.buttons] == ["Undo 1", "Accept 1"]
    )
    assert "`/incident leftovers`" not in await board(talk)

    def more(tx: Any) -> None:
        row = dict(tx.conn.execute(select(steps).where(steps.c.run == id)).mappings().one())
        for idx in range(2, PAGE + 4):
            key = f"AKIAIOSFODNN7EXAM{idx:03}"
            new = {"idx": idx, "id": f"more{idx}", "outputs": {"key": key, "user": "deploy"}, "params": {"key": key}}
            tx.conn.execute(insert(steps).values(**{**row, **new}))

    await talk.house.db.write(more)
    assert "and 6 more (`/incident leftovers`)" in await board(talk)
    reply = await talk("Ana", "incident leftovers")
    assert f"… and 3 more: `/incident leftovers after={PAGE}`" in reply.text and len(reply.buttons) == 2 * PAGE
    reply = await talk("Ana", f"incident leftovers after={PAGE}")
    assert [line.split(".")[0] for line in reply.text.splitlines()[1:]] == ["9", "10", "11"]
    assert not (await talk("Ana", "incident leftovers after=40")).ok
    drafts = TimelineDrafts(talk.house.db, talk.house.policy)
    assert (await drafts.post_mortem("INC-1", "one")).body.count("neither taken back nor accepted") == PAGE + 3
    assert (await talk("Ben", 'incident resolve accept="they were leaked" done')).ok
    reply = await talk("Ana", "incident leftovers")
    assert "Nothing is left over of *INC-1*." in reply.text and "and 1 more." in reply.text
    body = (await drafts.post_mortem("INC-1", "two")).body
    assert body.count("was left behind, accepted by Ben") == PAGE + 3 and "neither" not in body


async def board(talk: Any) -> str:
    policy, url = talk.house.policy, talk.house.url
    facts, around = await talk.read(lambda tx: read(tx, "INC-1", policy, url))
    return str(draw(facts, around).blocks)
