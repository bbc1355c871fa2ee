"""Typing, clicking and submitting as a person of the local workspace."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox import SandboxClient
from bot.sandbox.client import Refused

FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Go"},
    "notify_on_close": True,
    "blocks": [
        {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"},
         "element": {"type": "plain_text_input", "action_id": "reason", "max_length": 10}},
        {"type": "input", "block_id": "sev", "optional": True, "label": {"type": "plain_text", "text": "Sev"},
         "element": {"type": "static_select", "action_id": "severity", "options": [
             {"text": {"type": "plain_text", "text": "sev one"}, "value": "sev1"}]}},
    ],
}  # fmt: skip
BUTTONS = [
    {"type": "actions", "block_id": "votes", "elements": [
        {"type": "button", "action_id": "approve", "value": "r1", "text": {"type": "plain_text", "text": "Approve"}},
        {"type": "button", "action_id": "deny", "value": "r1", "text": {"type": "plain_text", "text": "Deny"}}]},
]  # fmt: skip


async def test_a_command_arrives_escaped_and_its_answer_is_for_the_typist(app: AsyncApp, sb: SandboxClient) -> None:
    seen: list[dict[str, Any]] = []

    @app.command("/incident")
    async def run(ack: Any, command: dict[str, Any]) -> None:
        seen.append(command)
        await ack("declaring")

    ack = await sb.type("U0ANA", "#incidents", "/incident ask @ben in #general about a & b, mail x@example.com")
    assert seen[0]["text"] == "ask <@U0BEN|ben> in <#C0GENERAL|general> about a &amp; b, mail x@example.com"
    assert (seen[0]["channel_name"], seen[0]["is_enterprise_install"]) == ("incidents", "false")
    assert ack.acked and ack.latency_ms is not None
    assert [m.text for m in await sb.messages("#incidents", "U0ANA")] == ["declaring"]
    assert await sb.messages("#incidents", "U0BEN") == []


async def test_who_cannot_type_commands(sb: SandboxClient) -> None:
    await sb.change_channel("incidents", add=["U0XIA", "U0GUS"])
    with pytest.raises(Refused, match="installing workspace"):
        await sb.type("U0XIA", "#incidents", "/incident list")
    with pytest.raises(Refused, match="deactivated"):
        await sb.type("U0ZED", "#incidents", "/incident list")
    with pytest.raises(Refused, match="threads"):
        await sb.type("U0ANA", "#incidents", "/incident list", thread_ts="1.1")


async def test_a_command_nobody_answers_shows_operation_timeout(app: AsyncApp, sb: SandboxClient) -> None:
    await sb.settings(ack_seconds=0.2)

    @app.command("/slow")
    async def run(ack: Any) -> None:
        await asyncio.sleep(0.5)
        await ack()

    ack = await sb.type("U0ANA", "#incidents", "/slow")
    assert (ack.acked, ack.error) == (False, "http_timeout")
    assert "operation_timeout" in (await sb.wait_for("#incidents", "/slow failed", as_user="U0ANA")).text


async def test_without_a_connection_a_command_fails_to_dispatch(sb: SandboxClient) -> None:
    ack = await sb.type("U0ANA", "#incidents", "/incident list")
    assert (ack.acked, ack.error) == (False, "connection_failed")
    assert "dispatch_failed" in (await sb.messages("#incidents", "U0ANA"))[-1].text


async def test_a_press_carries_who_pressed_what_and_where(app: AsyncApp, sb: SandboxClient) -> None:
    seen: list[dict[str, Any]] = []

    @app.action("deny")
    async def run(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        seen.append(body)
        await respond("noted")
        await respond(text="replaced", replace_original=True)

    await app.client.chat_postMessage(channel="C0INCIDENTS", text="card", blocks=BUTTONS)
    assert (await sb.click("U0EVE", "#incidents", "Deny")).acked
    await sb.wait_for("#incidents", "replaced")
    assert seen[0]["user"] == {"id": "U0EVE", "username": "eve", "name": "eve", "team_id": "T0MUSTER"}
    assert seen[0]["actions"][0]["value"] == "r1" and seen[0]["container"]["is_ephemeral"] is False
    assert [(m.text, m.ephemeral_for) for m in await sb.messages("#incidents", "U0EVE")] == [
        ("replaced", None), ("noted", "U0EVE"),
    ]  # fmt: skip
    with pytest.raises(Refused, match="no message with 'Deny'"):
        await sb.click("U0EVE", "#incidents", "Deny")


async def test_a_form_is_checked_submitted_and_closed(app: AsyncApp, sb: SandboxClient) -> None:
    values: list[dict[str, Any]] = []
    closed: list[dict[str, Any]] = []

    @app.command("/form")
    async def opens(ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        await ack()

    @app.view("form")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        values.append(view["state"]["values"])
        if view["state"]["values"]["why"]["reason"]["value"] == "bad":
            return await ack(response_action="errors", errors={"why": "no"})
        return await ack()

    @app.view_closed("form")
    async def gone(ack: Any, body: dict[str, Any]) -> None:
        closed.append(body)
        await ack()

    await sb.type("U0ANA", "#incidents", "/form")
    with pytest.raises(Refused, match="why is required"):
        await sb.submit("U0ANA", {})
    with pytest.raises(Refused, match="at most 10"):
        await sb.submit("U0ANA", {"reason": "x" * 11})
    with pytest.raises(Refused, match="no option"):
        await sb.submit("U0ANA", {"reason": "x", "severity": "sev9"})
    assert values == []
    await sb.submit("U0ANA", {"reason": "bad"})
    assert (await sb.notices("U0ANA"))[-1]["errors"] == {"why": "no"}
    assert values[0]["sev"]["severity"] == {"type": "static_select", "selected_option": None}
    await sb.submit("U0ANA", {"why": {"reason": "good"}, "severity": "sev1"})
    assert values[1]["sev"]["severity"]["selected_option"]["value"] == "sev1"
    assert await sb.views("U0ANA") == []
    await sb.type("U0ANA", "#incidents", "/form")
    assert (await sb.close_view("U0ANA")).acked
    assert closed[0]["is_cleared"] is False and closed[0]["view"]["state"]["values"] == {}


async def test_a_message_is_an_event_and_a_mention_is_two(app: AsyncApp, sb: SandboxClient) -> None:
    texts: list[str] = []

    @app.event("message")
    async def said(event: dict[str, Any]) -> None:
        texts.append(event["text"])

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        texts.append("mention: " + event["text"])

    await sb.type("U0ANA", "#incidents", "look @muster")

    async def both() -> bool:
        return sorted(texts) == ["look <@U0MUSTER>", "mention: look <@U0MUSTER>"]

    await sb.wait_until(both)


async def test_private_channels_are_closed_to_others(sb: SandboxClient) -> None:
    await sb.change_channel("secret", create=True, private=True)
    with pytest.raises(Refused, match="cannot see"):
        await sb.type("U0BEN", "#secret", "hello")
