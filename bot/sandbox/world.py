"""The seeded workspace: people, groups, channels, messages, views, files. Memory only.

Belongs here: what Slack remembers, and looking it up. Does not belong here: what Slack refuses (``slack/``), or the
other services (``pagerduty.py``, ``statuspage.py``, ``aws.py``).
"""

from __future__ import annotations

import itertools
import mimetypes
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

TEAM, TEAM_DOMAIN, OTHER_TEAM = "T0MUSTER", "muster", "T0OTHER"
APP, BOT_USER, BOT = "A0MUSTER", "U0MUSTER", "B0MUSTER"
BOT_TOKEN, APP_TOKEN = "xoxb-sandbox-muster", "xapp-sandbox-muster"
SIGNING_SECRET = "sandbox-signing-secret"
# Contract A10. chat:write.public is left out on purpose: without it Slack refuses posts to channels the bot is not in.
SCOPES = (
    "commands", "chat:write", "channels:manage", "groups:write", "channels:read", "groups:read", "channels:history",
    "groups:history", "im:write", "im:history", "im:read", "users:read", "users:read.email", "usergroups:read",
    "bookmarks:write", "pins:write", "pins:read", "reactions:write", "reactions:read", "files:write", "files:read",
    "channels:join", "app_mentions:read", "team:read", "metadata.message:read", "canvases:write", "canvases:read",
)  # fmt: skip


@dataclass
class User:
    id: str
    name: str
    real_name: str
    email: str = ""
    tz: str = "Europe/Stockholm"
    team: str = TEAM
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_admin: bool = False

    def as_slack(self, with_email: bool = True) -> dict[str, Any]:
        """As users.info shows it (contract A13 flags). The email needs users:read.email (contract A10)."""
        profile: dict[str, Any] = {
            "real_name": self.real_name, "display_name": self.name, "team": self.team, "title": "", "phone": "",
        }  # fmt: skip
        if with_email and self.email:
            profile["email"] = self.email
        if self.is_bot:
            profile |= {"bot_id": BOT, "api_app_id": APP}
        shown: dict[str, Any] = {
            "id": self.id, "team_id": self.team, "name": self.name, "real_name": self.real_name,
            "deleted": self.deleted, "is_bot": self.is_bot, "is_app_user": False, "profile": profile,
            "updated": 1_790_000_000, "is_email_confirmed": bool(self.email),
        }  # fmt: skip
        if not self.deleted:
            shown |= {
                "tz": self.tz, "tz_label": self.tz, "tz_offset": 3600, "is_admin": self.is_admin, "is_owner": False,
                "is_primary_owner": False, "is_restricted": self.is_restricted or self.is_ultra_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
            }  # fmt: skip
        if self.is_stranger:
            shown["is_stranger"] = True
        return shown


@dataclass
class Group:
    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False
    updated_by: str | None = None


@dataclass
class Message:
    ts: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    thread_ts: str | None = None
    edited: dict[str, str] | None = None
    by_app: bool = False
    ephemeral_for: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    subtype: str | None = None
    deleted: bool = False
    shown: bool = True  # False: only the trace of a command, kept for reading back

    def as_slack(self, with_metadata: bool = False) -> dict[str, Any]:
        """As conversations.history shows it; metadata only when asked for (contract A8, A9)."""
        shown: dict[str, Any] = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": TEAM}
        if self.subtype:
            shown["subtype"] = self.subtype
        if self.by_app:
            shown |= {"bot_id": BOT, "app_id": APP}
        for name in ("blocks", "attachments", "files", "thread_ts", "edited"):
            if getattr(self, name):
                shown[name] = getattr(self, name)
        if self.reactions:
            shown["reactions"] = [{"name": n, "users": u, "count": len(u)} for n, u in self.reactions.items()]
        if with_metadata and self.metadata:
            shown["metadata"] = self.metadata
        return shown


@dataclass
class Channel:
    id: str
    name: str
    creator: str
    members: list[str]
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_general: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    topic: str = ""
    purpose: str = ""
    previous_names: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    canvas: str = ""
    created: int = field(default_factory=lambda: int(time.time()))

    def find(self, ts: str) -> Message | None:
        for message in reversed(self.messages):
            if message.ts == ts:
                return None if message.deleted else message
        return None

    def as_slack(self, viewer: str = BOT_USER) -> dict[str, Any]:
        """As conversations.info shows it. Privacy is read from is_private, never from the prefix (contract A9)."""
        if self.is_im:
            other = next((m for m in self.members if m != viewer), viewer)
            return {"id": self.id, "is_im": True, "user": other, "created": self.created, "is_archived": False}
        properties = {"canvas": {"file_id": self.canvas, "is_empty": False}} if self.canvas else {}
        return {
            "id": self.id, "name": self.name, "name_normalized": self.name, "creator": self.creator,
            "properties": properties,
            "created": self.created, "is_channel": not self.is_private and not self.is_mpim,
            "is_group": self.is_private, "is_im": False, "is_mpim": self.is_mpim, "is_private": self.is_private,
            "is_archived": self.is_archived, "is_general": self.is_general, "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared, "is_org_shared": False, "is_member": viewer in self.members,
            "context_team_id": TEAM, "previous_names": self.previous_names, "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": self.creator if self.topic else "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": self.creator if self.purpose else "", "last_set": 0},
        }  # fmt: skip


@dataclass
class View:
    id: str
    user: str
    content: dict[str, Any]
    hash: str
    root: str
    previous: str | None = None
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.content.get("type", "modal"))

    def as_slack(self) -> dict[str, Any]:
        return {
            "id": self.id, "team_id": TEAM, "app_id": APP, "app_installed_team_id": TEAM, "bot_id": BOT,
            "callback_id": "", "private_metadata": "", "external_id": "", "submit": None, "close": None,
            "clear_on_close": False, "notify_on_close": False,
            **self.content,
            "state": {"values": self.values}, "hash": self.hash, "root_view_id": self.root,
            "previous_view_id": self.previous,
        }  # fmt: skip


@dataclass
class File:
    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    completed: bool = False
    channels: list[str] = field(default_factory=list)
    created: int = field(default_factory=lambda: int(time.time()))
    user: str = BOT_USER

    def as_slack(self) -> dict[str, Any]:
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return {
            "id": self.id, "name": self.name, "title": self.title or self.name, "size": len(self.content or b""),
            "created": self.created, "timestamp": self.created, "user": self.user, "mode": "hosted",
            "channels": self.channels, "mimetype": kind, "filetype": self.name.rpartition(".")[2].lower(),
            "permalink": f"https://{TEAM_DOMAIN}.slack.com/files/{self.user}/{self.id}/{quote(self.name)}",
        }  # fmt: skip


@dataclass
class Canvas:
    """sections: [id, markdown], in order. writable: whether the bot may edit it."""

    id: str
    channel: str
    sections: list[list[str]] = field(default_factory=list)
    writable: bool = True


class World:
    """All Slack state of one sandbox. Lookups return None when there is nothing; callers choose the error."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.channels: dict[str, Channel] = {}
        self.views: dict[str, View] = {}
        self.open_views: dict[str, list[str]] = {}  # user -> modal stack, the last one on top
        self.homes: dict[str, str] = {}
        self.files: dict[str, File] = {}
        self.canvases: dict[str, Canvas] = {}
        self.notices: list[dict[str, Any]] = []  # what Slack itself told a person, outside any channel
        self.scopes: list[str] = list(SCOPES)
        self._count = itertools.count(1)
        self._last_ts = 0
        self._named: dict[str, str] = {}
        seed(self)

    def id(self, prefix: str) -> str:
        return f"{prefix}{next(self._count):08X}"

    def ts(self) -> str:
        """A message timestamp: wall time in microseconds, never twice the same."""
        self._last_ts = max(int(time.time() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        if channel.name:
            self._named[channel.name] = channel.id
        return channel

    def rename_channel(self, channel: Channel, name: str) -> None:
        self._named.pop(channel.name, None)
        channel.previous_names.append(channel.name)
        channel.name = name
        self._named[name] = channel.id

    def named(self, name: str) -> Channel | None:
        return self.channels.get(self._named.get(name.removeprefix("#"), ""))

    def channel(self, id_or_name: str) -> Channel | None:
        """By id, ``#name`` or ``name``."""
        return self.channels.get(id_or_name) or self.named(id_or_name)

    def direct(self, *people: str) -> Channel:
        """The direct (or group direct) conversation of these people, opened when missing."""
        wanted = sorted({BOT_USER, *people})
        for channel in self.channels.values():
            if (channel.is_im or channel.is_mpim) and sorted(channel.members) == wanted:
                return channel
        group = len(wanted) > 2
        name = "mpdm-" + "--".join(self.users[u].name for u in wanted) + "-1" if group else ""
        channel = Channel(self.id("G" if group else "D"), name, BOT_USER, wanted, group, not group, group)
        return self.add_channel(channel)

    def between(self, one: str, other: str) -> Channel:
        """The direct conversation of two people; the app is in it only when it is one of them. Opened when missing."""
        if BOT_USER in (one, other):
            return self.direct(one, other)
        wanted = sorted({one, other})
        for channel in self.channels.values():
            if channel.is_im and sorted(channel.members) == wanted:
                return channel
        return self.add_channel(Channel(self.id("D"), "", one, wanted, is_im=True))

    def user_named(self, name: str) -> User | None:
        name = name.removeprefix("@").lower()
        return next((u for u in self.users.values() if u.name == name or u.id.lower() == name), None)

    def group_named(self, handle: str) -> Group | None:
        handle = handle.removeprefix("@")
        return next((g for g in self.groups.values() if handle in (g.handle, g.id)), None)


def seed(world: World) -> None:
    """Fill a world with the people of the demo."""
    for name in ("Ana", "Ben", "Chi", "Dov", "Eve"):
        low = name.lower()
        world.users[f"U0{name.upper()}"] = User(f"U0{name.upper()}", low, name, f"{low}@example.com")
    world.users["U0GUS"] = User("U0GUS", "gus", "Gus", "gus@example.com", is_restricted=True)
    world.users["U0XIA"] = User("U0XIA", "xia", "Xia", "xia@example.org", team=OTHER_TEAM, is_stranger=True)
    world.users["U0ZED"] = User("U0ZED", "zed", "Zed", "zed@example.com", deleted=True)
    world.users[BOT_USER] = User(BOT_USER, "muster", "Muster", is_bot=True, tz="Etc/UTC")
    # Contract A13 [?]: Slackbot looks like a person (is_bot is false) and is none.
    world.users["USLACKBOT"] = User("USLACKBOT", "slackbot", "Slackbot", tz="America/Los_Angeles")
    for handle, people in (("sre", ["U0BEN", "U0CHI"]), ("comms", ["U0DOV"]), ("security", ["U0CHI"])):
        group = Group(f"S0{handle.upper()}", handle, handle.capitalize(), people)
        world.groups[group.id] = group
    everyone = ["U0ANA", "U0BEN", "U0CHI", "U0DOV", "U0EVE", BOT_USER]
    world.add_channel(Channel("C0GENERAL", "general", "U0ANA", list(everyone), is_general=True))
    world.add_channel(Channel("C0INCIDENTS", "incidents", "U0ANA", list(everyone)))
