"""Slack's files, stood in for: the three calls of an upload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import SandboxClient

Refusal = Callable[[Awaitable[Any]], Awaitable[str]]


async def test_the_three_step_upload_of_slack_sdk(web: AsyncWebClient, sb: SandboxClient) -> None:
    await web.files_upload_v2(
        channel="C0INCIDENTS", filename="INC-1.md", content="# Summary", title="Draft", initial_comment="here it is"
    )
    message = await sb.wait_for("#incidents", "here it is")
    assert message.files[0]["name"] == "INC-1.md"
    file = (await sb.files())[0]
    assert (file["text"], file["title"], file["completed"]) == ("# Summary", "Draft", True)
    assert (await web.files_info(file=file["id"]))["file"]["size"] == 9


async def test_completing_needs_the_bytes_and_happens_once(web: AsyncWebClient, refusal: Refusal) -> None:
    got = await web.files_getUploadURLExternal(filename="a.txt", length=3)
    files = [{"id": got["file_id"], "title": "a"}]
    assert await refusal(web.files_completeUploadExternal(files=files)) == "file_not_found"
    async with httpx.AsyncClient() as http:
        assert (await http.post(got["upload_url"], content=b"toolong")).status_code == 400
        assert (await http.post(got["upload_url"], content=b"abc")).status_code == 200
    assert (await web.files_completeUploadExternal(files=files))["files"][0]["channels"] == []
    assert await refusal(web.files_completeUploadExternal(files=files)) == "file_update_failed"


async def test_a_file_goes_only_where_the_bot_is(web: AsyncWebClient, sb: SandboxClient, refusal: Refusal) -> None:
    outside = (await sb.change_channel("outside", create=True))["id"]
    got = await web.files_getUploadURLExternal(filename="a.txt", length=1)
    async with httpx.AsyncClient() as http:
        await http.post(got["upload_url"], content=b"a")
    call = web.files_completeUploadExternal(files=[{"id": got["file_id"]}], channel_id=outside)
    assert await refusal(call) == "not_in_channel"
