"""The register of Slack Web API methods, and what each of them is given.

Belongs here: the shape of a method, its scopes and tier, reading arguments. Does not belong here: any method.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox.world import BOT_USER, Channel, User, World

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

JSON_ARGUMENTS = (
    "blocks",
    "attachments",
    "metadata",
    "view",
    "files",
    "prefs",
    "changes",
    "criteria",
    "document_content",
)
MISSING: Any = object()


class SlackError(Exception):
    """A refusal: HTTP 200 with ok=false, an error code and maybe more fields."""

    def __init__(self, code: str, messages: list[str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.body: dict[str, Any] = {"ok": False, "error": code, **more}
        if messages:
            self.body["response_metadata"] = {"messages": [f"[ERROR] {m}" for m in messages]}


class Asked:
    """One call: arguments as text or JSON, and the sandbox it is made to."""

    def __init__(self, sandbox: Sandbox, name: str, arguments: dict[str, Any]) -> None:
        self.sandbox, self.name, self.arguments = sandbox, name, arguments

    @property
    def world(self) -> World:
        return self.sandbox.world

    def has(self, name: str) -> bool:
        return self.arguments.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name)
        if value is None:
            return default
        if isinstance(value, (dict, list)):
            raise SlackError("invalid_arguments", [f"[json-pointer:/{name}] must be a string"])
        return str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if not value:
            raise SlackError(error, [f"missing required field: {name}"] if error == "invalid_arguments" else None)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.arguments.get(name)
        return default if value is None else value is True or str(value).lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise SlackError("invalid_arguments", [f"{name} must be an integer"]) from None

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """The argument decoded; forms carry JSON as text. None when absent."""
        value = self.arguments.get(name)
        if isinstance(value, str):
            if not value:
                return None
            try:
                return json.loads(value)
            except ValueError:
                raise SlackError(error) from None
        return value

    def page(self, rows: list[Any], most: int = 1000, usual: int = 100) -> tuple[list[Any], str]:
        """One page by ``cursor`` and ``limit`` and the next cursor ("" at the end). invalid_cursor, invalid_limit."""
        limit = self.number("limit", usual)
        if not 0 < limit <= most:
            raise SlackError("invalid_limit")
        cursor = self.text("cursor")
        try:
            start = int(cursor.removeprefix("next:")) if cursor else 0
        except ValueError:
            raise SlackError("invalid_cursor") from None
        end = start + limit
        return rows[start:end], f"next:{end}" if end < len(rows) else ""

    # Lookups that refuse

    def channel(self, name: str = "channel") -> Channel:
        """The channel by id. channel_not_found also for a private one, or a direct one, the bot is not in (A9)."""
        channel = self.world.channels.get(self.need(name, "channel_not_found"))
        closed = channel is not None and (channel.is_private or channel.is_im)
        if channel is None or (closed and BOT_USER not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def joined(self, name: str = "channel", live: bool = True) -> Channel:
        """A channel the bot is a member of, not archived. not_in_channel, is_archived (contract A9)."""
        channel = self.channel(name)
        if live and channel.is_archived:
            raise SlackError("is_archived")
        if BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def scope(self, *needed: str) -> None:
        """Any one of these scopes. missing_scope with needed and provided (contract A10)."""
        if not set(needed) & set(self.world.scopes):
            raise SlackError("missing_scope", needed=",".join(needed), provided=",".join(self.world.scopes))

    def manage(self, channel: Channel) -> None:
        """channels:manage for public, groups:write for private channels (contract A10)."""
        self.scope("groups:write" if channel.is_private else "channels:manage")

    def user(self, name: str = "user") -> User:
        user = self.world.users.get(self.need(name, "user_not_found"))
        if user is None:
            raise SlackError("user_not_found")
        return user


Body = dict[str, Any]
Run = Callable[[Asked], Body]


@dataclass(frozen=True)
class Method:
    name: str
    run: Run
    scopes: tuple[str, ...]
    tier: int
    app_token: bool = False


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, tier: int, app_token: bool = False) -> Callable[[Run], Run]:
    """Register a Web API method: any of ``scopes`` (none: no scope), and its tier of contract A7 (0: own rule)."""

    def register(run: Run) -> Run:
        METHODS[name] = Method(name, run, scopes, tier, app_token)
        return run

    return register
