"""/incident note"""

from __future__ import annotations

from typing import Any

import pytest


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


@pytest.mark.parametrize("said", ["99:99", "24:00", "14:60", "7:5"])
async def test_what_is_meant_as_a_time_and_is_none_is_not_kept_as_text(talk: Any, said: str) -> None:
    await talk.declare()
    for line in (f"at {said} the proxy fell over", f"the proxy fell over at {said}"):
        reply = await talk("Ben", f"incident note {line}")
        if reply.ok:
            assert said == "7:5" and line.endswith(said), "only a whole time of day is one at the end"
            continue
        assert f"*{said}* is not a time. Write 14:05 (UTC)" in reply.text and "/incident note" in reply.text
        assert "What is text may stand in quotes" in reply.text
    assert all("at the proxy" not in e.text() for e in await talk.events("INC-1", "incident.note"))


async def test_a_text_that_begins_with_at_is_a_text(talk: Any) -> None:
    await talk.declare()
    for text in ("at last it works", "at 3 of 5 shops", "we meet at noon", "at 99.99 percent", "10:1 at most"):
        assert (await talk("Ben", f"incident note {text}")).ok
    assert len(await talk.events("INC-1", "incident.note")) == 5
