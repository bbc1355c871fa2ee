"""/incident note"""

from __future__ import annotations

from typing import Any


async def test_words_go_beside_the_chain(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ben", "incident note restarted &amp; checked <https://x.example|x.example>")
    assert reply.text.startswith("📝 Noted on *INC-1*")
    event = (await talk.events(id, "incident.note"))[0]
    assert event.text() == "restarted & checked https://x.example" and event.body == {}
    assert event.actor.startswith("P-")


async def test_back_dated_says_on_whose_word(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident note at 00:00 it began")
    event = (await talk.events("INC-1", "incident.note"))[0]
    assert "on your word" in reply.text and event.claimed_by == event.actor and event.text() == "it began"


async def test_outside_it_asks_which_and_lists_the_open_ones(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident note hello", channel="CTOWN")
    assert not reply.ok
    assert "Which incident? Open ones: INC-1 checkout is down." in reply.text and "INC-1" in reply.text.splitlines()[1]
    assert (await talk("Ben", "incident note INC-1 hello", channel="CTOWN")).ok


async def test_another_incidents_id_in_front_is_never_guessed(talk: Any) -> None:
    await talk.declare()
    await talk.declare("sev2 search is slow", channel="C43")
    reply = await talk("Ben", "incident note INC-1 is the same", channel="C43")
    assert not reply.ok and "incident=INC-1" in reply.text
    assert (await talk("Ben", 'incident note "INC-1 is the same"', channel="C43")).ok
    assert (await talk("Ben", "incident note incident=INC-1 is the same", channel="C43")).text.startswith(
        "📝 Noted on *INC-1*"
    )
