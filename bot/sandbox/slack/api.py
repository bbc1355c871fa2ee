"""The Web API's front: reads a call, checks token, scope and rate, runs the method, answers as Slack answers.

Belongs here: contract A7 (429) and A10 (scopes), and how errors look. The methods are in the files named after them.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.rates import TIER
from bot.sandbox.slack import apps, canvases, chat, conversations, files, members, pins, users, views
from bot.sandbox.slack.method import JSON_ARGUMENTS, METHODS, Asked, Method, SlackError
from bot.sandbox.wire import Call, retry_after
from bot.sandbox.world import APP_TOKEN, BOT_TOKEN

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

READS = ("test", "info", "list", "history", "replies", "members", "lookupByEmail", "conversations", "getPermalink",
         "get", "validate", "lookup")  # fmt: skip
FAMILIES = (apps, canvases, chat, conversations, files, members, pins, users, views)  # importing them fills METHODS
PER_MINUTE = 300  # contract A7: "hundreds per minute" for auth.test and chat.getPermalink


class WebApi:
    """``POST /api/{method}`` of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        arguments = await _arguments(request)
        token = _token(request, arguments)

        async def answer(call: Call) -> web.StreamResponse:
            return self._answer(call, name, token, arguments)

        return await self.sandbox.wire.carry(request, "slack", name, _shown(arguments), answer, refuse=self._refuse)

    def _answer(self, call: Call, name: str, token: str, arguments: dict[str, Any]) -> web.StreamResponse:
        method = METHODS.get(name)
        call.effect = name.rpartition(".")[2] not in READS
        try:
            if method is None:
                raise SlackError("unknown_method", req_method=name)
            asked = Asked(self.sandbox, name, arguments)
            self._admit(method, token, asked)
            wait = self._wait(method, asked)
            if wait:
                call.error = "ratelimited"
                return self._limited(wait)
            body = method.run(asked)
        except SlackError as refusal:
            call.error = refusal.code
            body = refusal.body
        return self._json(body, method)

    def _admit(self, method: Method, token: str, asked: Asked) -> None:
        """not_authed, invalid_auth, not_allowed_token_type, missing_scope."""
        if not token:
            raise SlackError("not_authed")
        if token not in (BOT_TOKEN, APP_TOKEN) or token in self.sandbox.revoked:
            raise SlackError("token_revoked" if token in self.sandbox.revoked else "invalid_auth")
        if method.app_token != (token == APP_TOKEN):
            raise SlackError("not_allowed_token_type")
        if method.scopes:
            asked.scope(*method.scopes)

    def _wait(self, method: Method, asked: Asked) -> int:
        if method.name == "chat.postMessage":
            try:
                return chat.slow_down(asked, chat.target(asked))
            except SlackError:
                return 0  # an unknown channel is refused by the method itself, in its own words
        limit = TIER[method.tier] if method.tier else PER_MINUTE
        return self.sandbox.rates.window(f"slack:{method.name}", limit)

    def _json(self, body: dict[str, Any], method: Method | None) -> web.Response:
        headers = {"X-OAuth-Scopes": ",".join(self.sandbox.world.scopes)}
        if method is not None and method.scopes:
            headers["X-Accepted-OAuth-Scopes"] = ",".join(method.scopes)
        return web.json_response(body, headers=headers)

    def _limited(self, seconds: int) -> web.Response:
        """Contract A7: 429 with Retry-After."""
        headers = {"Retry-After": str(seconds)}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    def _refuse(self, fault: Fault) -> web.StreamResponse:
        if fault.mode == "429":
            headers = retry_after(fault)
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if fault.mode.isdigit():
            return web.Response(status=int(fault.mode), text="upstream connect error", content_type="text/plain")
        body: dict[str, Any] = {"ok": False, "error": fault.mode.removeprefix("error:")}
        if fault.mode == "missing_scope":
            body |= {"needed": "unknown", "provided": ",".join(self.sandbox.world.scopes)}
        return self._json(body, None)


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Query, form or JSON body: slack_sdk uses all three."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            return {"invalid_json": True}
        if isinstance(body, dict):
            arguments |= body
    elif request.can_read_body:
        arguments |= {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
    return arguments


def _token(request: web.Request, arguments: dict[str, Any]) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") if header else str(arguments.pop("token", ""))


def _shown(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as recorded: JSON ones decoded, so that a test may look inside."""
    shown: dict[str, Any] = {}
    for name, value in arguments.items():
        shown[name] = value
        if name in JSON_ARGUMENTS and isinstance(value, str):
            with contextlib.suppress(ValueError):
                shown[name] = json.loads(value)
    return shown
