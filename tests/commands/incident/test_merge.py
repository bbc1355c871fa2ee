"""/incident merge"""

from __future__ import annotations

from typing import Any

from storage import runs, standing


async def test_the_duplicate_ends_pointing_here_and_its_people_are_brought(talk: Any) -> None:
    here = await talk.declare()
    await talk("Ana", "incident declare sev2 payments fail service=checkout", channel="CTOWN")
    await talk("Ben", "incident role commander me incident=INC-2", channel="CTOWN")
    await talk("Eve", "incident subscribe INC-2", channel="CTOWN")
    reply = await talk("Chi", "incident merge INC-2")
    assert reply.ok and "*INC-2 · sev2 · payments fail* ended as a duplicate of *INC-1*" in reply.text
    assert "3 of its people are told and invited here" in reply.text
    double = await talk.incident("INC-2")
    assert double.status == "cancelled" and double.resolution == "the same as INC-1"
    assert standing.others(double, standing.DUPLICATE) == ["INC-1"]
    eve = await talk.member("Eve")
    assert standing.followers(await talk.incident(here)) == [eve], "who followed the one follows the other"
    last = {
        run.playbook: run
        for run in await talk.read(lambda tx: [*runs.of_incident(tx, here), *runs.of_incident(tx, "INC-2")])
    }
    assert (
        sorted(last["comms/page"].inputs["users"]) == ["UANA", "UBEN", "UEVE"]
        and not last["comms/page"].inputs["emails"]
    )
    assert "the same as INC-1; go on in <#C42>" in last["cancel/default"].inputs["reason"]
    assert (
        "is the same as INC-1; go on there"
        in (await talk("Ana", "incident reopen INC-2 it is back", channel="CTOWN")).text
    )


async def test_what_cannot_be_merged_is_said(talk: Any) -> None:
    await talk.declare("sev2 keys leaked type=security")
    await talk.declare(channel="C43")
    assert "its people would be told in public" in (await talk("Ben", "incident merge INC-1")).text
    assert "There is no INC-1" in (await talk("Eve", "incident merge INC-1")).text
    assert "is this one" in (await talk("Ana", "incident merge INC-2")).text
    await talk("Ana", "incident declare sev3 a typo", channel="CTOWN")
    await talk("Ana", "incident cancel incident=INC-3 it was none", channel="CTOWN")
    assert "was cancelled" in (await talk("Ana", "incident merge INC-3")).text
    assert (await talk.incident("INC-1")).open and await talk.events("INC-3", "incident.related") == []
