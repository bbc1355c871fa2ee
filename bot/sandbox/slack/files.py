"""files.*: the three-step upload of contract A9 (get an address, send the bytes, complete).

The bytes arrive at ``/upload/{file_id}``; files.upload is gone from Slack and does not exist here.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import BOT_USER, File, Message

CHANNELS_MAX = 100  # contract A9


@method("files.getUploadURLExternal", "files:write", tier=4)
def get_upload_url(asked: Asked) -> Body:
    name, length = asked.need("filename"), asked.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments", ["length must be greater than 0"])
    file = File(asked.world.id("F"), name, length)
    asked.world.files[file.id] = file
    return {"ok": True, "file_id": file.id, "upload_url": f"{asked.sandbox.url}/upload/{file.id}"}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(asked: Asked) -> Body:
    wanted = asked.json("files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments", ["missing required field: files"])
    files: list[File] = []
    for row in wanted:
        file = asked.world.files.get(str(row.get("id")))
        if file is None or file.content is None:
            raise SlackError("file_not_found")
        if file.completed:
            raise SlackError("file_update_failed")  # contract A9: once; the code for a second time is a guess
        files.append(file)
    names = [c for c in (asked.text("channels") or asked.text("channel_id")).split(",") if c]
    if len(names) > CHANNELS_MAX:
        raise SlackError("invalid_channel")
    channels = []
    for name in names:
        channel = asked.world.channels.get(name)
        if channel is None or (channel.is_private and BOT_USER not in channel.members):
            raise SlackError("channel_not_found")
        if channel.is_archived or BOT_USER not in channel.members:
            raise SlackError("is_archived" if channel.is_archived else "not_in_channel")
        channels.append(channel)
    for row, file in zip(wanted, files, strict=True):
        file.title, file.completed = str(row.get("title") or file.name), True
        file.channels = [c.id for c in channels]  # contract A9: without channel_id the file stays private
    shown: list[dict[str, Any]] = [f.as_slack() for f in files]
    for channel in channels:
        channel.messages.append(Message(
            asked.world.ts(), BOT_USER, asked.text("initial_comment"), asked.json("blocks") or [], files=shown,
            thread_ts=asked.text("thread_ts") or None, by_app=True, subtype="file_share",
        ))  # fmt: skip
    return {"ok": True, "files": shown}


@method("files.info", "files:read", tier=4)
def info(asked: Asked) -> Body:
    file = asked.world.files.get(asked.need("file", "file_not_found"))
    if file is None or not file.completed:
        raise SlackError("file_not_found")
    return {"ok": True, "file": file.as_slack(), "comments": [], "response_metadata": {"next_cursor": ""}}
