"""Slack's canvases, stood in for: one per channel, one operation per call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient
from bot.sandbox.slack import canvases

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


def markdown(text: str) -> dict[str, str]:
    return {"type": "markdown", "markdown": text}


async def test_the_life_of_a_channels_canvas(
    web: AsyncWebClient, sb: SandboxClient, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "C0INCIDENTS"
    made = await web.conversations_canvases_create(channel_id=place, document_content=markdown("# One\n\ntwo"))
    id_ = made["canvas_id"]
    info = await web.conversations_info(channel=place)
    assert info["channel"]["properties"]["canvas"]["file_id"] == id_
    again = web.conversations_canvases_create(channel_id=place, document_content=markdown("x"))
    assert await refusal(again) == "channel_canvas_already_exists"
    found = await web.canvases_sections_lookup(canvas_id=id_, criteria={"contains_text": "two"})
    (section,) = [one["id"] for one in found["sections"]]
    for change in (
        {"operation": "insert_before", "section_id": section, "document_content": markdown("between")},
        {"operation": "replace", "section_id": section, "document_content": markdown("three")},
        {"operation": "insert_at_start", "document_content": markdown("zero")},
        {"operation": "insert_at_end", "document_content": markdown("four")},
    ):
        await web.canvases_edit(canvas_id=id_, changes=[change])
    assert (await sb.get("canvases"))[0]["text"] == "zero\n\n# One\n\nbetween\n\nthree\n\nfour"
    gone = {"operation": "delete", "section_id": section}
    assert await refusal(web.canvases_edit(canvas_id=id_, changes=[gone])) == "canvas_editing_failed"
    assert await refusal(web.canvases_edit(canvas_id=id_, changes=[gone, gone])) == "invalid_arguments"
    await web.canvases_delete(canvas_id=id_)
    assert await refusal(web.canvases_edit(canvas_id=id_, changes=[gone])) == "canvas_not_found"
    monkeypatch.setattr(canvases, "MOST", 9)
    long = web.conversations_canvases_create(channel_id=place, document_content=markdown("x" * 10))
    assert await refusal(long) == "invalid_arguments"
    await sb.scopes(remove=["canvases:write"])
    assert await refusal(web.canvases_delete(canvas_id=id_)) == "missing_scope"
