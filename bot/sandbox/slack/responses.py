"""response_url: five uses, thirty minutes (contract A2), and the ephemeral answers that arrive there."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.slack import blocks as kit
from bot.sandbox.slack.chat import number_blocks
from bot.sandbox.wire import Call, retry_after
from bot.sandbox.world import BOT_USER, TEAM, Channel, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


@dataclass
class ResponseUrl:
    """Where answers to one payload go. ``source`` is the message that was pressed, None for a command."""

    channel: Channel
    user: str
    source: Message | None = None
    thread_ts: str | None = None
    uses: int = 0
    at: float = field(default_factory=time.monotonic)


class Responses:
    """The response URLs of one sandbox, at ``POST /respond/T0MUSTER/{key}``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.urls: dict[str, ResponseUrl] = {}

    def new(self, channel: Channel, user: str, source: Message | None = None) -> str:
        key = secrets.token_hex(12)
        self.urls[key] = ResponseUrl(channel, user, source, source.thread_ts if source else None)
        return f"{self.sandbox.url}/respond/{TEAM}/{key}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            said = json.loads(await request.read())
        except ValueError:
            said = None

        async def answer(call: Call) -> web.StreamResponse:
            return self._answer(call, request.match_info["key"], said)

        return await self.sandbox.wire.carry(request, "slack", "response_url", said, answer, refuse=_refuse)

    def _answer(self, call: Call, key: str, said: Any) -> web.Response:
        url, settings = self.urls.get(key), self.sandbox.settings
        if (
            url is None
            or url.uses >= settings.response_url_uses
            or (time.monotonic() - url.at > settings.response_url_seconds)
        ):
            return self._error(call, "expired_url", 404)  # contract B3
        if not isinstance(said, dict):
            return self._error(call, "invalid_payload", 400)
        wrong = kit.problems(said["blocks"]) if said.get("blocks") else []
        if wrong:
            return self._error(call, "invalid_blocks", 400)
        url.uses += 1
        if said.get("delete_original"):
            if url.source is not None:
                url.source.deleted = True
            return web.Response(text="ok")
        if not said.get("text") and not said.get("blocks") and not said.get("attachments"):
            return self._error(call, "no_text", 400)
        self.say(url, said)
        return web.Response(text="ok")

    def _error(self, call: Call, code: str, status: int) -> web.Response:
        call.error = code
        return web.Response(status=status, text=code)

    def say(self, url: ResponseUrl, said: dict[str, Any]) -> Message:
        """Show an answer: replaces the pressed message when asked, else a new line, ephemeral unless in_channel."""
        text, blocks = str(said.get("text") or ""), said.get("blocks") or []
        world = self.sandbox.world
        if said.get("replace_original") and url.source is not None:
            source = url.source  # contract A2: edits the source message; a command has none, so a line is added
            source.text, source.blocks = text, blocks
            source.edited = {"user": BOT_USER, "ts": world.ts()}
            number_blocks(source)
            return source
        public = said.get("response_type") == "in_channel"
        message = Message(
            world.ts(), BOT_USER, text, blocks, said.get("attachments") or [], by_app=True,
            thread_ts=said.get("thread_ts") or url.thread_ts, ephemeral_for=None if public else url.user,
        )  # fmt: skip
        number_blocks(message)
        url.channel.messages.append(message)
        return message


def _refuse(fault: Fault) -> web.StreamResponse:
    if fault.mode == "429":
        return web.Response(status=429, text="ratelimited", headers=retry_after(fault))
    status = int(fault.mode) if fault.mode.isdigit() else 404
    return web.Response(status=status, text=fault.mode.removeprefix("error:"))
