"""PagerDuty's words flow into the incident."""

from __future__ import annotations

from typing import Any

from storage import inbox, incidents
from storage.inbox import Ask


async def hook(talk: Any, kind: str, key: str = "muster/INC-1", user: str = "PBEN", id: str = "") -> None:
    values = {
        "event_type": f"incident.{kind}", "occurred_at": "2026-11-22T00:00:00Z",
        "agent": {"id": user, "type": "user_reference"},
        "data": {"id": "Q2X7", "incident_key": key, "html_url": "https://pd.example/Q2X7"},
    }  # fmt: skip
    name = id or f"pagerduty:{kind}:{user}"
    await talk.stored(
        Ask(
            key=name,
            kind="webhook",
            line="pagerduty",
            account_kind="pagerduty",
            account=user,
            via="webhook",
            values=values,
        )
    )
    assert await talk.read(lambda tx: inbox.state(tx, name)) == "done"


async def test_the_first_acknowledger_becomes_interim_commander(talk: Any) -> None:
    id = await talk.declare()
    await hook(talk, "acknowledged")
    found = await talk.incident(id)
    ben = await talk.member("Ben", "sre")
    assert found.acknowledged_by == ben and found.facts["page"] == "Q2X7"
    held = await talk.read(lambda tx: incidents.roles(tx, id)["commander"])
    assert held.person == ben and held.interim
    event = (await talk.events(id, "incident.acknowledged"))[0]
    assert event.actor == "pagerduty" and event.source_at and event.body["ref"] == "Q2X7"


async def test_nobody_we_know_acknowledges_without_commanding(talk: Any) -> None:
    id = await talk.declare()
    await hook(talk, "acknowledged", user="PXXX")
    assert (await talk.incident(id)).acknowledged_at and not await talk.read(lambda tx: incidents.roles(tx, id))


async def test_a_resolved_alert_is_noted_and_resolves_nothing(talk: Any) -> None:
    id = await talk.declare()
    await hook(talk, "resolved")
    assert (await talk.incident(id)).open
    assert [event.type for event in await talk.events(id)][-1] == "alert.resolved"


async def test_pages_of_others_are_ignored(talk: Any) -> None:
    id = await talk.declare()
    before = len(await talk.events(id))
    await hook(talk, "acknowledged", key="other", id="other")
    assert len(await talk.events(id)) == before + 0
