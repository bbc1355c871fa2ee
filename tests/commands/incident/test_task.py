"""/incident task"""

from __future__ import annotations

from typing import Any

from storage import replies, tasks


async def test_whoever_has_it_is_told_and_it_has_a_time(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ana", "incident task <@UBEN|ben> due=30m check the replica")
    assert reply.ok and "☐ *1* check the replica · *Ben* · due *" in reply.text
    assert [button.line for button in reply.buttons] == ["incident tasks INC-1 done=1"]
    (made,) = await talk.read(lambda tx: tasks.of_incident(tx, id))
    assert made.due_at and made.owner and made.open and made.id == "INC-1/1"
    (event,) = await talk.events(id, "todo.added")
    assert "check the replica" not in str(event.body) and event.text("what") == "check the replica"
    told = [
        one for one in await talk.house.db.write(lambda tx: replies.claim(tx, "t")) if one.id == "timer:task:INC-1/1"
    ]
    assert told[0].account == "T1/UBEN" and "Ana asks you for this" in told[0].body["text"]

    mine = await talk("Ana", "incident task @me look at the queue")
    assert "*Ana*" in mine.text and "me look" not in mine.text
    nobody = await talk("Ana", "incident task me and you call the bank")
    assert "me and you call the bank · nobody's yet" in nobody.text and nobody.buttons[1].label == "Take 3"


async def test_what_is_wrong_is_said(talk: Any) -> None:
    await talk.declare()
    assert "It needs *what*" in (await talk("Ana", "incident task <@UBEN>")).text
    assert "is not a time" in (await talk("Ana", "incident task due=soon check it")).text
    assert "is over already" in (await talk("Ana", "incident task due=2020-01-01T00:00Z check it")).text
    assert "nobody Muster can call" in (await talk("Ana", "incident task <@UNEW> check it")).text
    await talk("Ben", "incident resolve it was an index")
    assert "no task was added" in (await talk("Ana", "incident task check it")).text
