"""Statuspage, stood in for: incidents, components, its limit of one request a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox import Sandbox, SandboxClient


@pytest.fixture
async def page(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    env = sandbox.env()
    base = f"{env['STATUSPAGE_API_URL']}/pages/{env['STATUSPAGE_PAGE_ID']}"
    async with httpx.AsyncClient(
        base_url=base, headers={"Authorization": f"OAuth {env['STATUSPAGE_API_KEY']}"}
    ) as http:
        yield http


async def test_an_incident_from_opening_to_resolving(page: httpx.AsyncClient, sb: SandboxClient) -> None:
    opened = await page.post("/incidents", json={"incident": {
        "name": "Checkout is down", "status": "investigating", "body": "We look.", "impact_override": "major",
        "components": {"cmpcheckout": "major_outage"}, "metadata": {"muster": {"incident": "INC-1"}},
        "deliver_notifications": False,
    }})  # fmt: skip
    assert opened.status_code == 201
    id_ = opened.json()["id"]
    assert [i["metadata"]["muster"]["incident"] for i in (await page.get("/incidents/unresolved")).json()] == ["INC-1"]
    changed = await page.patch(f"/incidents/{id_}", json={"incident": {"status": "resolved", "body": "Back."}})
    assert [u["status"] for u in changed.json()["incident_updates"]] == ["resolved", "investigating"]
    assert (await page.get("/incidents/unresolved")).json() == []
    state = await sb.statuspage()
    assert [n["body"] for n in state["notified"]] == ["Back."]
    assert {c["id"]: c["status"] for c in state["components"]}["cmpcheckout"] == "major_outage"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "x" * 256}, {"name": "x", "status": "broken"}, {"name": "x", "body": "b" * 25_001},
        {"name": "x", "components": {"cmpnone": "operational"}}, {"name": "x", "components": {"cmpauth": "down"}},
        {"name": "x", "impact_override": "huge"}, {"name": "x", "metadata": {"a": "b"}},
    ],
)  # fmt: skip
async def test_wrong_incidents_are_422_and_leave_nothing(
    page: httpx.AsyncClient, sb: SandboxClient, wrong: Any
) -> None:
    assert (await page.post("/incidents", json={"incident": wrong})).status_code == 422
    assert (await sb.statuspage())["incidents"] == []


async def test_who_is_let_in(sandbox: Sandbox, page: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(f"{page.base_url}incidents")).status_code == 401
    env = sandbox.env()
    assert (await page.get(f"{env['STATUSPAGE_API_URL']}/pages/other/incidents")).status_code == 404
    assert (await page.get("/incidents/none")).status_code == 404


async def test_one_request_a_second(page: httpx.AsyncClient, sb: SandboxClient) -> None:
    await sb.rate(1)
    statuses = [(await page.get("/components")).status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10 and statuses[-1] == 429
