"""/incident tasks"""

from __future__ import annotations

from typing import Any

from bot.render import board
from storage import tasks


async def test_they_are_listed_taken_put_off_and_done(talk: Any) -> None:
    id = await talk.declare()
    assert "writes one down" in (await talk("Ana", "incident tasks")).text
    await talk("Ana", "incident task call the bank")
    await talk("Ana", "incident task <@UBEN|ben> due=30m check the replica")
    reply = await talk("Chi", "incident tasks")
    shown = await talk.read(lambda tx: board.draw(*board.read(tx, id, talk.house.policy, "https://muster.example.com")))
    assert "To do: *2* check the replica (Ben, due *" in str(shown.blocks) and "(nobody's yet)" in str(shown.blocks)
    first, second = reply.text.splitlines()[1:3]
    assert reply.text.startswith("*INC-1*: 2 to do, 0 done") and "check the replica" in first, "what is due comes first"
    assert "call the bank · nobody's yet" in second
    assert [one.label for one in reply.buttons] == ["Done 2", "Done 1", "Take 1"]
    taken = await talk("Chi", reply.buttons[2].line, kind="button")
    assert "call the bank · *Chi*" in taken.text
    assert "so already" in (await talk("Chi", "incident tasks take=1")).text
    assert "Now due *" in (await talk("Chi", "incident tasks later=1")).text
    assert "done by *Ben*" in (await talk("Ben", "incident tasks done=2")).text
    assert "was done at" in (await talk("Ana", "incident tasks done=2")).text
    assert "has no task 9. Open ones: 1." in (await talk("Ana", "incident tasks done=9")).text
    assert "One at a time" in (await talk("Ana", "incident tasks done=1 take=1")).text
    chi = (await talk.read(lambda tx: tasks.of_incident(tx, id)))[0].owner
    assert [one.number for one in await talk.read(lambda tx: tasks.owned_by(tx, chi))] == [1]
    assert "1 to do, 1 done" in (await talk("Ana", "incident tasks")).text
