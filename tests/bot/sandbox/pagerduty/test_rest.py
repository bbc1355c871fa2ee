"""PagerDuty's REST API, stood in for: incidents, users, on-calls, their errors."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from bot.sandbox import Sandbox, SandboxClient


@pytest.fixture
async def incident(sb: SandboxClient) -> dict[str, Any]:
    return dict(await sb.post("pagerduty/trigger", title="down", incident_key="INC-1"))


async def test_reading_with_pagerdutys_client(rest: Any, incident: dict[str, Any]) -> None:
    found = await asyncio.to_thread(
        rest.list_all, "incidents", params={"incident_key": "INC-1", "statuses[]": "triggered"}
    )
    assert [i["id"] for i in found] == [incident["id"]]
    assert await asyncio.to_thread(rest.list_all, "incidents", params={"statuses[]": "resolved"}) == []
    calls = await asyncio.to_thread(rest.list_all, "oncalls")
    assert [(c["user"]["summary"], c["escalation_level"]) for c in calls] == [("Ben", 1), ("Chi", 2)]
    assert (await asyncio.to_thread(rest.find, "users", "ben@example.com", attribute="email"))["name"] == "Ben"
    assert "teams" in (await asyncio.to_thread(rest.rget, "/abilities"))


async def test_changing_needs_a_known_from(
    sandbox: Sandbox, rest: Any, incident: dict[str, Any], sb: SandboxClient
) -> None:
    env = sandbox.env()
    url = f"{env['PAGERDUTY_API_URL']}/incidents/{incident['id']}"
    body = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    async with httpx.AsyncClient() as http:
        assert (await http.put(url, json=body)).status_code == 401
        key = {"Authorization": f"Token token={env['PAGERDUTY_API_KEY']}"}
        assert (await http.put(url, json=body, headers=key)).status_code == 400
        assert (await http.put(url, json=body, headers=key | {"From": "nobody@example.com"})).status_code == 400
    assert (await sb.pagerduty())["incidents"][0]["status"] == "triggered"
    changed = await asyncio.to_thread(rest.rput, f"/incidents/{incident['id']}", json=body["incident"])
    assert (changed["status"], changed["acknowledgements"][0]["acknowledger"]["summary"]) == ("acknowledged", "Muster")
    await asyncio.to_thread(rest.rpost, f"/incidents/{incident['id']}/notes", json={"content": "looking"})
    assert [n["content"] for n in await asyncio.to_thread(rest.rget, f"/incidents/{incident['id']}/notes")] == [
        "looking"
    ]


async def test_a_second_create_with_the_same_key_is_400(sandbox: Sandbox, incident: dict[str, Any]) -> None:
    env = sandbox.env()
    headers = {"Authorization": f"Token token={env['PAGERDUTY_API_KEY']}", "From": "ben@example.com"}
    service = {"id": "PSRVPAY", "type": "service_reference"}
    body = {"incident": {"type": "incident", "title": "x", "service": service, "incident_key": "INC-1"}}
    async with httpx.AsyncClient(base_url=env["PAGERDUTY_API_URL"], headers=headers) as http:
        assert (await http.post("/incidents", json=body)).status_code == 400
        body["incident"]["incident_key"] = "INC-2"
        assert (await http.post("/incidents", json=body)).status_code == 201
        assert (await http.get("/incidents/NONE")).status_code == 404
        many = {"incidents": [{"id": "x", "type": "incident_reference"}] * 251}
        assert (await http.put("/incidents", json=many)).status_code == 413


async def test_pages(sandbox: Sandbox, rest: Any, sb: SandboxClient) -> None:
    for n in range(30):
        await sb.post("pagerduty/trigger", title=f"t{n}")
    rows = await asyncio.to_thread(rest.list_all, "incidents", page_size=10)
    assert [r["title"] for r in rows] == [f"t{n}" for n in range(30)]
    assert len(await sb.calls("pagerduty", "GET /incidents")) == 3


async def test_a_planned_429_names_code_2020(sandbox: Sandbox, sb: SandboxClient) -> None:
    await sb.fail("pagerduty", "GET /oncalls", "429", retry_after=7)
    headers = {"Authorization": f"Token token={sandbox.env()['PAGERDUTY_API_KEY']}"}
    async with httpx.AsyncClient(base_url=sandbox.env()["PAGERDUTY_API_URL"], headers=headers) as http:
        said = await http.get("/oncalls")
        assert (said.status_code, said.json()["error"]["code"]) == (429, 2020)
        assert (await http.get("/oncalls")).status_code == 200
