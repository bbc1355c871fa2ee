"""PagerDuty's v3 webhooks, stood in for: signed, in order, repeated on failure."""

from __future__ import annotations

import json
from typing import Any

from bot.sandbox import SandboxClient
from bot.sandbox.pagerduty.webhooks import signature


async def settled(sb: SandboxClient, count: int) -> list[dict[str, Any]]:
    async def look() -> Any:
        hooks = [h for h in (await sb.pagerduty())["webhooks"] if h["outcome"] not in ("waiting",)]
        return hooks if len(hooks) >= count else None

    return list(await sb.wait_until(look))


async def test_what_happens_to_an_incident_is_told_in_order_and_signed(sb: SandboxClient, receiver: Any) -> None:
    await sb.post("pagerduty/trigger", title="down", incident_key="INC-1")
    await sb.acknowledge("INC-1", "U0BEN")
    await sb.resolve_page("INC-1", "U0CHI")
    await settled(sb, 3)
    events = [json.loads(body)["event"] for _, body in receiver.got]
    assert [e["event_type"] for e in events] == ["incident.triggered", "incident.acknowledged", "incident.resolved"]
    assert events[1]["agent"]["summary"] == "Ben" and events[1]["data"]["incident_key"] == "INC-1"
    headers, body = receiver.got[1]
    assert headers["X-PagerDuty-Signature"] == signature(body)
    assert headers["X-PagerDuty-Signature"] != signature(body, "other")


async def test_5xx_is_repeated_with_the_same_id_and_404_is_dropped(sb: SandboxClient, receiver: Any) -> None:
    await sb.settings(webhook_retry_seconds=[0.05, 0.05])
    receiver.statuses = [500, 429, 202, 404]
    await sb.post("pagerduty/trigger", title="down", incident_key="INC-1")
    await sb.acknowledge("INC-1", "U0BEN")
    hooks = await settled(sb, 2)
    assert [(h["statuses"], h["outcome"]) for h in hooks] == [([500, 429, 202], "delivered"), ([404], "dropped")]
    assert len({headers["X-Webhook-Id"] for headers, _ in receiver.got[:3]}) == 1


async def test_replays_and_forgeries(sb: SandboxClient, receiver: Any) -> None:
    await sb.post("pagerduty/trigger", title="down", incident_key="INC-1")
    hook = (await settled(sb, 1))[0]
    assert await sb.webhook_again(hook["id"], secret="wrong") == 202
    replay, body = receiver.got[1]
    assert replay["X-Webhook-Id"] == receiver.got[0][0]["X-Webhook-Id"]
    assert replay["X-PagerDuty-Signature"] == signature(body, "wrong")
