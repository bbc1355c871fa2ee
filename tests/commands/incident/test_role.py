"""/incident role"""

from __future__ import annotations

from typing import Any

from storage import incidents, people, runs


async def test_a_mention_takes_the_role_and_is_told_by_a_run(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ana", "incident role ic <@UBEN|ben>")
    assert reply.text == "🎩 *Ben* is *Incident commander* of *INC-1*."
    held = await talk.read(lambda tx: incidents.roles(tx, id)["commander"])
    assert not held.interim
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert (
        run.playbook == "role/assign" and run.inputs["person"] == "UBEN" and run.inputs["role"] == "Incident commander"
    )


async def test_me_takes_over_and_nobody_gives_back(talk: Any) -> None:
    await talk.declare()
    await talk("Ana", "incident role commander <@UBEN>")
    assert "(after Ben)" in (await talk("Chi", "incident role commander me")).text
    reply = await talk("Chi", "incident role commander nobody")
    assert "Chi is no longer" in reply.text
    assert await talk.read(lambda tx: incidents.roles(tx, "INC-1")) == {}


async def test_a_hand_over_carries_its_note(talk: Any) -> None:
    """Kept on the timeline as text, and told to who takes over."""
    id = await talk.declare()
    await talk("Ana", "incident role commander me")
    assert "(after Ana)" in (await talk("Ana", "incident role commander <@UBEN> the replica is behind")).text
    last = (await talk.events(id, "incident.role"))[-1]
    assert last.text("note") == "the replica is behind" and "replica" not in str(last.body)
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert run.inputs["note"] == "Ana: “the replica is behind”"
    assert "*Ben* is commander: the replica is behind" in (await talk("Chi", "incident timeline")).text
    await talk("Ben", "incident role commander nobody gone to sleep")
    assert (await talk.events(id, "incident.role"))[-1].text("note") == "gone to sleep"


async def test_wrong_names_are_explained(talk: Any) -> None:
    await talk.declare()
    assert "no role *comander*" in (await talk("Ana", "incident role comander me")).text
    assert "cannot tell who" in (await talk("Ana", "incident role commander bob")).text


async def test_somebody_slack_does_not_know_gets_none(talk: Any) -> None:
    """Until the directory has found the account; a guest is named as one."""
    await talk.declare()
    reply = await talk("Ana", "incident role commander <@UNEW|new>")
    assert not reply.ok and "Slack does not know who <@UNEW>" in reply.text.replace("&lt;", "<").replace("&gt;", ">")
    assert await talk.read(lambda tx: incidents.roles(tx, "INC-1")) == {}
    await talk.member("New")
    assert (await talk("Ana", "incident role commander <@UNEW|new>")).ok
    guest = "T1/UGUS"
    await talk.house.db.write(lambda tx: people.believe(tx, "slack", guest, state=people.GUEST, name="Gus"))
    assert "a guest" in (await talk("Ana", "incident role commander <@UGUS|gus>")).text
