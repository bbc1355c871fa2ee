"""/incident private"""

from __future__ import annotations

from typing import Any

from bot.render import announcement
from storage import cards, standing


async def test_strangers_see_it_no_more_and_the_announcement_loses_its_words(talk: Any) -> None:
    id = await talk.declare()
    await talk("Eve", "incident subscribe")
    await talk("Chi", "incident subscribe")
    await talk("Chi", "incident role commander me")

    def posted(tx: Any) -> None:
        card = cards.get(tx, "announcement", id)
        cards.shown(tx, card, channel="CANN", ts="1700000000.000100", digest="x")

    await talk.house.db.write(posted)
    reply = await talk("Ana", "incident private personal data is involved")
    assert (
        "private from now on" in reply.text
        and "still public" in reply.text
        and "Change to a private channel" in reply.text
    )
    assert "There is no INC-1" in (await talk("Eve", "incident status INC-1", channel="CTOWN")).text
    assert (await talk("Chi", "incident status INC-1", channel="CTOWN")).ok
    chi = await talk.member("Chi", "sre")
    assert standing.followers(await talk.incident(id)) == [chi], "only who takes part is told on"
    drawn = await talk.read(lambda tx: announcement.draw(*announcement.read(tx, id, talk.house.policy, "")))
    assert "checkout is down" not in str(drawn) and "restricted" in str(drawn)
    assert "private already" in (await talk("Ana", "incident private")).text
