"""/incident page"""

from __future__ import annotations

from typing import Any

from storage import people, runs


async def test_somebody_a_group_or_the_on_call_is_called_by_a_run(talk: Any) -> None:
    id = await talk.declare()

    def known(tx: Any) -> None:
        for who in ("Ben", "Chi"):
            mail = f"{who.lower()}@example.com"
            people.believe(tx, "slack", f"T1/U{who.upper()}", state=people.MEMBER, name=who, email=mail)
        ben = talk.house.directory.person_by_slack(tx, "UBEN")
        people.set_oncall(tx, "Payments primary", {ben: 1, talk.house.directory.person_by_slack(tx, "UEVE"): 2})

    await talk.house.db.write(known)
    reply = await talk("Ana", "incident page <@UCHI|chi> the database will not come up")
    assert reply.text == "📟 Paging *Chi* for *INC-1*."
    run = await talk.read(lambda tx: runs.get(tx, reply.data["run"]))
    assert (
        run.playbook == "comms/page" and run.inputs["emails"] == ["chi@example.com"] and run.inputs["users"] == ["UCHI"]
    )
    assert "Ana asks for you in INC-1 · sev1 · checkout is down. the database will not come up" in run.inputs["text"]
    assert "Paging *Ben* (@sre)" in (await talk("Ana", "incident page @sre")).text, "those of the group on call"
    assert "Paging *Ben* for" in (await talk("Ana", "incident page checkout help")).text, "the first layer"
    silent = await talk("Ana", "incident page <@UEVE> come")
    assert silent.ok and "no phone rings" in silent.text
    assert "/incidents/INC-1" in (await talk.read(lambda tx: runs.of_incident(tx, id)[-1])).inputs["text"]


async def test_nobody_is_called_where_nobody_is_meant(talk: Any) -> None:
    id = await talk.declare()
    mine = len(await talk.read(lambda tx: runs.of_incident(tx, id)))
    assert "Did you mean *sre*?" in (await talk("Ana", "incident page @srre")).text
    assert "Did you mean *checkout*?" in (await talk("Ana", "incident page chekout")).text
    assert "nobody Muster can call" in (await talk("Ana", "incident page <@UNEW>")).text
    assert "Nobody is known to be the on-call of auth" in (await talk("Ana", "incident page auth")).text
    await talk("Ben", "incident resolve it was an index")
    assert "nobody was paged" in (await talk("Ana", "incident page @sre")).text
    assert (
        len([one for one in await talk.read(lambda tx: runs.of_incident(tx, id)) if one.playbook == "comms/page"]) == 0
    )
    assert mine >= 1
