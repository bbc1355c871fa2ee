"""/incident ack"""

from __future__ import annotations

from typing import Any

from storage import incidents, runs


async def test_whoever_has_the_page_leads_until_somebody_takes_it(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ben", "incident ack")
    assert reply.ok and "*INC-1* is acknowledged by *Ben*" in reply.text and "*Incident commander* until" in reply.text
    found = await talk.incident(id)
    assert found.acknowledged_at and (await talk.read(lambda tx: incidents.roles(tx, id)))["commander"].interim
    assert (await talk.read(lambda tx: runs.of_incident(tx, id)))[-1].playbook == "comms/acknowledge"
    again = await talk("Chi", "incident ack")
    assert not again.ok and "acknowledged by Ben at" in again.text
    assert len(await talk.events(id, "incident.acknowledged")) == 1


async def test_what_paged_nobody_has_nothing_to_tell_pagerduty(talk: Any) -> None:
    id = await talk.declare("sev3 search is slow")
    known = talk.house.directory.name
    talk.house.directory.name = lambda tx, person: person  # nobody has looked yet who this is
    first = await talk("Ben", "incident ack INC-1", channel="CELSE")
    talk.house.directory.name = known
    assert first.ok and "*INC-1* is acknowledged by *you*" in first.text and "It goes on in <#C42>" in first.text
    assert [run.playbook for run in await talk.read(lambda tx: runs.of_incident(tx, id))] == ["declare/default"]
    await talk("Ben", "incident cancel it was none")
    assert "nothing to acknowledge" in (await talk("Ben", "incident ack")).text
