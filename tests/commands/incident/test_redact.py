"""/incident redact, and confirming it: two people, then the words are gone."""

from __future__ import annotations

from typing import Any

from storage import timeline, verify
from storage.db import Tx

WORDS = "customer Jon Moeller called about his card"


async def test_two_people_erase_words_and_the_chain_stays_valid(team: Any) -> None:
    id = await team.declare()
    noted = await team("Ana", f"incident note {WORDS}")
    asked = await team("Ben", f"incident redact {noted.data['event']} a customer's name")
    assert asked.ok and "1 more of 2 must confirm" in asked.text, asked.text
    assert (await team.events(id, "incident.note"))[0].text() == WORDS
    twice = await team("Ben", f"playbook confirm {asked.data['decision']}")
    assert "already counts" in twice.text
    done = await team("Chi", f"playbook confirm {asked.data['decision']}")
    assert done.ok and "are erased" in done.text and "Slack" in done.text
    (note,) = await team.events(id, "incident.note")
    assert note.text() == "(erased)"
    (told,) = await team.events(id, "text.redacted")
    assert told.body["event"] == note.seq and len(told.body["by"]) == 2 and told.text("reason") == "a customer's name"
    assert "Moeller" not in (await team("Ana", "incident timeline")).text

    def look(tx: Tx) -> None:
        (verdict,) = [one for one in verify.check_database(tx) if one.stream == id]
        assert verdict.ok and verdict.erased == 1, verdict.bad

    await team.read(look)


async def test_who_may_not_approve_is_refused_and_nothing_is_erased(team: Any) -> None:
    id = await team.declare()
    noted = await team("Ana", f"incident note {WORDS}")
    asked = await team("Ana", f"incident redact {noted.data['event']} a name")
    assert "2 more of 2" in asked.text, "Ana may ask, but is in no group that decides"
    for who in ("Ana", "Eve"):
        assert not (await team(who, f"playbook confirm {asked.data['decision']}")).ok
    assert (await team.events(id, "incident.note"))[0].text() == WORDS


async def test_what_holds_no_words_is_said(team: Any) -> None:
    await team.declare()
    assert "has no event 99" in (await team("Ben", "incident redact 99 x")).text
    seq = (await team("Ben", "incident detected 00:00")).data["event"]
    assert "holds no words" in (await team("Ben", f"incident redact {seq} x")).text


async def test_erased_in_the_meantime_it_is_refused_and_the_yes_is_kept(team: Any) -> None:
    id = await team.declare()
    noted = await team("Ana", f"incident note {WORDS}")
    first = await team("Ben", f"incident redact {noted.data['event']} one")
    second = await team("Ben", f"incident redact {noted.data['event']} two")
    assert (await team("Chi", f"playbook confirm {first.data['decision']}")).ok
    late = await team("Chi", f"playbook confirm {second.data['decision']}")
    assert not late.ok and "erased already" in late.text
    voted = await team.read(lambda tx: timeline.read(tx, id, types=("decision.voted",)))
    assert [event.body["counted"] for event in voted] == [True] * 4
