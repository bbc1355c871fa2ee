"""/incident link"""

from __future__ import annotations

from typing import Any

from bot.render import board
from storage import standing


async def test_it_stands_on_the_board_and_its_words_can_be_erased(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ana", "incident link <https://grafana.example.com/d/1?a=1&amp;b=2> the <dashboard>")
    assert reply.ok and "is on *INC-1*" in reply.text
    (kept,) = await talk.read(lambda tx: standing.links(tx, id))
    assert kept.url == "https://grafana.example.com/d/1?a=1&b=2"
    (event,) = await talk.events(id, "incident.linked")
    assert event.body == {} and event.text("url") == kept.url
    drawn = await talk.read(lambda tx: board.draw(*board.read(tx, id, talk.house.policy, "https://muster.example.com")))
    assert "<https://grafana.example.com/d/1?a=1&amp;b=2|" in str(drawn.blocks)
    for wrong in ("javascript:alert(1) x", "grafana the board"):
        assert "is no address of a page" in (await talk("Ana", f"incident link {wrong}")).text
