"""PagerDuty's Events API, stood in for: triggers, dedup keys, links, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from bot.sandbox import Sandbox, SandboxClient


async def incidents(sb: SandboxClient, count: int) -> list[dict[str, Any]]:
    async def enough() -> Any:
        rows = (await sb.pagerduty())["incidents"]
        return rows if len(rows) >= count else None

    return list(await sb.wait_until(enough))


async def test_the_incident_appears_after_the_202_and_the_key_joins(events: Any, sb: SandboxClient) -> None:
    await sb.settings(pagerduty_delay=1.5)
    await asyncio.to_thread(events.trigger, "down", "muster", dedup_key="INC-1", severity="critical")
    assert (await sb.pagerduty())["incidents"] == []
    first = (await incidents(sb, 1))[0]
    assert (first["incident_key"], first["status"], first["urgency"]) == ("INC-1", "triggered", "high")
    assert first["assignments"][0]["assignee"]["summary"] == "Ben"
    await asyncio.to_thread(events.trigger, "down again", "muster", dedup_key="INC-1")

    async def joined() -> bool:
        return len((await sb.pagerduty())["incidents"][0]["alerts"]) == 2

    await sb.wait_until(joined)
    assert len((await sb.pagerduty())["incidents"]) == 1


async def test_after_a_resolve_the_key_opens_a_new_incident(events: Any, sb: SandboxClient) -> None:
    for before in ([], ["resolved"]):
        await asyncio.to_thread(events.trigger, "down", "muster", dedup_key="INC-1")
        await sb.wait_until(lambda: _are(sb, "triggered", *before))
        await asyncio.to_thread(events.resolve, "INC-1")
        await sb.wait_until(lambda: _are(sb, "resolved", *before))


async def _are(sb: SandboxClient, *statuses: str) -> bool:
    return sorted(i["status"] for i in (await sb.pagerduty())["incidents"]) == sorted(statuses)


GOOD = {"summary": "s", "source": "m", "severity": "critical"}


@pytest.mark.parametrize(
    "change",
    [
        {"routing_key": "short"}, {"event_action": "page"}, {"payload": {**GOOD, "severity": "sev1"}},
        {"payload": {**GOOD, "summary": "x" * 1025}}, {"payload": {"summary": "s"}}, {"dedup_key": "x" * 256},
        {"payload": {**GOOD, "timestamp": "yesterday"}}, {"event_action": "resolve", "dedup_key": None},
    ],
)  # fmt: skip
async def test_malformed_events_are_400(sandbox: Sandbox, change: dict[str, Any]) -> None:
    env = sandbox.env()
    event = {"routing_key": env["PAGERDUTY_ROUTING_KEY"], "event_action": "trigger", "dedup_key": "k", "payload": GOOD}
    async with httpx.AsyncClient() as http:
        url = env["PAGERDUTY_EVENTS_URL"] + "/v2/enqueue"
        said = await http.post(url, json=event | change)
        assert (said.status_code, said.json()["status"]) == (400, "invalid event")
        assert (await http.post(url, content=b"{")).status_code == 400
        assert (await http.post(url, json=event)).status_code == 202


async def test_an_unknown_key_is_swallowed_and_the_key_is_not_recorded(sandbox: Sandbox, sb: SandboxClient) -> None:
    event = {"routing_key": "k" * 32, "event_action": "trigger", "payload": GOOD}
    async with httpx.AsyncClient() as http:
        said = await http.post(sandbox.env()["PAGERDUTY_EVENTS_URL"] + "/v2/enqueue", json=event)
    assert said.status_code == 202
    await asyncio.sleep(0.1)
    assert (await sb.pagerduty())["incidents"] == []
    assert (await sb.calls("pagerduty"))[0]["arguments"]["routing_key"] == "<redacted>"


async def test_120_events_a_minute(sandbox: Sandbox, sb: SandboxClient) -> None:
    await sb.rate(1)
    event = {"routing_key": sandbox.env()["PAGERDUTY_ROUTING_KEY"], "event_action": "resolve", "dedup_key": "k"}
    async with httpx.AsyncClient() as http:
        url = sandbox.env()["PAGERDUTY_EVENTS_URL"] + "/v2/enqueue"
        statuses = [(await http.post(url, json=event)).status_code for _ in range(121)]
    assert statuses == [202] * 120 + [429]
