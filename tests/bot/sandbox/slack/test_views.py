"""Slack's modals, stood in for: triggers that expire, errors, updates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient
from bot.sandbox.slack.views import new_trigger

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def modal(title: str = "Declare", **more: Any) -> dict[str, Any]:
    block = {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": "hello"}}
    return {"type": "modal", "callback_id": "c", "title": plain(title), "blocks": [block], **more}


async def test_a_trigger_is_good_once_and_for_three_seconds(
    web: AsyncWebClient, sandbox: Sandbox, sb: SandboxClient, refusal: Refusal
) -> None:
    trigger = new_trigger(sandbox, "U0ANA")
    opened = await web.views_open(trigger_id=trigger, view=modal())
    assert (await sb.views("U0ANA"))[0].id == opened["view"]["id"]
    assert await refusal(web.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"
    assert await refusal(web.views_open(trigger_id="1.2.x", view=modal())) == "invalid_trigger_id"
    old = new_trigger(sandbox, "U0ANA")
    await sb.age(3.1)
    assert await refusal(web.views_open(trigger_id=old, view=modal())) == "expired_trigger_id"


@pytest.mark.parametrize(
    "view",
    [
        modal("t" * 25),
        modal(submit=plain("s" * 25)),
        modal(private_metadata="m" * 3001),
        modal(callback_id="c" * 256),
        {**modal(), "blocks": [{"type": "divider"}] * 101},
        {**modal(), "blocks": [{"type": "input", "label": plain("l"), "element": {"type": "plain_text_input"}}]},
        {"type": "dialog"},
    ],
)
async def test_views_over_the_limits_are_refused(
    web: AsyncWebClient, sandbox: Sandbox, refusal: Refusal, view: dict[str, Any]
) -> None:
    trigger = new_trigger(sandbox, "U0ANA")
    assert await refusal(web.views_open(trigger_id=trigger, view=view)) == "invalid_arguments"
    assert (await web.views_open(trigger_id=trigger, view=modal("t" * 24)))["ok"]


async def test_a_stale_hash_conflicts(web: AsyncWebClient, sandbox: Sandbox, refusal: Refusal) -> None:
    view = (await web.views_open(trigger_id=new_trigger(sandbox, "U0ANA"), view=modal()))["view"]
    updated = await web.views_update(view_id=view["id"], hash=view["hash"], view=modal("Two"))
    assert updated["view"]["hash"] != view["hash"]
    again = web.views_update(view_id=view["id"], hash=view["hash"], view=modal("Three"))
    assert await refusal(again) == "hash_conflict"
    assert await refusal(web.views_update(view_id="V0", view=modal())) == "not_found"


async def test_the_stack_holds_three_views_and_push_needs_a_trigger_from_inside(
    web: AsyncWebClient, sandbox: Sandbox, sb: SandboxClient, refusal: Refusal
) -> None:
    top = (await web.views_open(trigger_id=new_trigger(sandbox, "U0ANA"), view=modal()))["view"]["id"]
    outside = web.views_push(trigger_id=new_trigger(sandbox, "U0ANA"), view=modal())
    assert await refusal(outside) == "not_found"
    for title in ("Two", "Three"):
        top = (await web.views_push(trigger_id=new_trigger(sandbox, "U0ANA", top), view=modal(title)))["view"]["id"]
    fourth = web.views_push(trigger_id=new_trigger(sandbox, "U0ANA", top), view=modal("Four"))
    assert await refusal(fourth) == "push_limit_reached"
    assert [v.title for v in await sb.views("U0ANA")] == ["Declare", "Two", "Three"]


async def test_home_is_published(web: AsyncWebClient, sb: SandboxClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "open incidents"}}]
    await web.views_publish(user_id="U0ANA", view={"type": "home", "blocks": blocks})
    home = await sb.home("U0ANA")
    assert home is not None and home.plain == "open incidents"
