"""/incident shift"""

from __future__ import annotations

from typing import Any

from storage import incidents, runs, tasks


async def test_roles_and_tasks_go_on_with_how_things_stand(talk: Any) -> None:
    id = await talk.declare()
    await talk("Ben", "incident role commander me")
    await talk("Ben", "incident role comms me")
    await talk("Ben", "incident task @me due=2h call the bank")
    reply = await talk("Ben", "incident shift <@UEVE|eve> the vendor calls back at 06:00")
    assert "*Eve* is *Incident commander* and *Comms lead* now, with 1 open task" in reply.text
    eve = await talk.member("Eve")
    held = await talk.read(lambda tx: incidents.roles(tx, id))
    assert {one.person for one in held.values()} == {eve}
    (task,) = await talk.read(lambda tx: tasks.of_incident(tx, id))
    assert task.owner == eve and task.due_at
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert run.playbook == "role/assign" and "the vendor calls back" in run.inputs["note"]
    assert "call the bank · *Ben*" in run.inputs["note"], "as it stood when it was handed over"
    assert [one.text("note") for one in (await talk.events(id, "incident.role"))[-2:]] == [
        "the vendor calls back at 06:00"
    ] * 2


async def test_nothing_to_hand_over_or_nobody_to_take_it(talk: Any) -> None:
    await talk.declare()
    assert "You have no role and no open task" in (await talk("Ben", "incident shift <@UEVE>")).text
    await talk("Ben", "incident role commander me")
    assert "Name who goes on" in (await talk("Ben", "incident shift me")).text
    assert "Name who goes on" in (await talk("Ben", "incident shift <@UBEN>")).text
    assert "nobody Muster can call" in (await talk("Ben", "incident shift <@UNEW>")).text
    await talk("Ben", "incident resolve it was an index")
    assert "no shift to hand over" in (await talk("Ben", "incident shift <@UEVE>")).text
