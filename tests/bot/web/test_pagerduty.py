"""PagerDuty's webhooks over the wire: signed or refused, stored once, and they move the incident."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import App
from bot.sandbox.client import SandboxClient
from bot.sandbox.pagerduty.account import WEBHOOK_SECRET
from bot.web.pagerduty import read
from storage import incidents
from storage.tables import inbox


def signed(body: bytes, secret: str = WEBHOOK_SECRET) -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event(kind: str = "incident.acknowledged", id: str = "EV1") -> bytes:
    data = {"id": "Q1", "incident_key": "muster/INC-1", "html_url": "https://pd.example/Q1", "title": "secret title"}
    agent = {"id": "PBEN", "type": "user_reference", "summary": "Ben"}
    body = {"id": id, "event_type": kind, "occurred_at": "2026-11-22T14:04:00Z", "agent": agent, "data": data}
    return json.dumps({"event": body}).encode()


async def webhooks(bot: App) -> list[dict[str, Any]]:
    query = select(inbox).where(inbox.c.kind == "webhook")
    return [dict(row) for row in await bot.db.read(lambda tx: tx.conn.execute(query).mappings().all())]


async def post(bot: App, people: SandboxClient, body: bytes, signature: str) -> int:
    headers = {"X-PagerDuty-Signature": signature, "Content-Type": "application/json"}
    answer = await people.http.post(f"{bot.url}/webhooks/pagerduty", content=body, headers=headers)
    return answer.status_code


async def test_any_of_several_signatures_will_do(bot: App, people: SandboxClient) -> None:
    body = event()
    assert await post(bot, people, body, f"v1={'0' * 64}, {signed(body)}") == 202
    (row,) = await webhooks(bot)
    assert row["key"] == "pagerduty:EV1" and row["values"]["data"]["incident_key"] == "muster/INC-1"
    assert "secret title" not in json.dumps(row["values"]) and "Ben" not in json.dumps(row["values"])


@pytest.mark.parametrize("signature", ["", "v1=", "v0=abc", "v1=ünicode", signed(event(), "another secret")])
async def test_unsigned_is_refused_and_stored_nowhere(bot: App, people: SandboxClient, signature: str) -> None:
    headers = {"X-PagerDuty-Signature": signature.encode("utf-8")}
    answer = await people.http.post(f"{bot.url}/webhooks/pagerduty", content=event(), headers=headers)
    assert answer.status_code == 401
    assert await webhooks(bot) == []


async def test_a_repeat_is_accepted_once(bot: App, people: SandboxClient) -> None:
    for _ in range(3):
        assert await post(bot, people, event(), signed(event())) == 202
    assert len(await webhooks(bot)) == 1


async def test_what_is_no_event_is_unreadable(bot: App, people: SandboxClient) -> None:
    for body in (b"{}", b"[]", b"nonsense", b'{"event": 1}'):
        assert await post(bot, people, body, signed(body)) == 400


async def test_an_acknowledged_page_reaches_the_incident(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev1 checkout is down service=checkout")

    async def pages() -> Any:
        return (await people.pagerduty())["incidents"]

    (page,) = await people.wait_until(pages)
    await people.acknowledge(page["incident_key"], "U0BEN")

    async def acknowledged() -> Any:
        found = await bot.db.read(lambda tx: incidents.get(tx, "INC-1"))
        return found and found.acknowledged_at

    await people.wait_until(acknowledged)


def test_an_event_inside_a_note_keeps_its_incident() -> None:
    body = {"event": {"id": "E2", "event_type": "incident.annotated", "data": {"id": "N1", "incident": {"id": "Q9"}}}}
    ask = read(json.dumps(body).encode(), "")
    assert ask is not None and ask.values["data"]["id"] == "Q9"
