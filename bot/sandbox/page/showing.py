"""What one person sees of the workspace, as JSON: their channels, one channel's messages, their modals and Home.

Belongs here: who sees what. Does not belong here: drawing it (static/), the other services (outside.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.manifest import manifest
from bot.sandbox.control_read import shown as said
from bot.sandbox.slack.elements import CannotDo
from bot.sandbox.world import BOT_USER, Channel, Message, User

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

MOST_MESSAGES = 200
LEFT_OUT = ("plain", "metadata", "buttons", "attachments")
SLACKBOT = "USLACKBOT"


def visible(user: User, channel: Channel) -> bool:
    """Whether this person's client lists or finds the channel."""
    closed = channel.is_private or channel.is_im or channel.is_mpim or user.is_stranger or user.is_restricted
    return user.id in channel.members or not closed


def workspace(sandbox: Sandbox, user: User) -> dict[str, Any]:
    """People to be, and what this one sees: {me, people, names, channels, shortcuts, home, web}."""
    world = sandbox.world
    world.direct(user.id)  # the app's own messages, in every client's list
    channels = [c for c in world.channels.values() if visible(user, c)]
    features = manifest(None)["features"]
    names = {u.id: u.real_name for u in world.users.values()}
    names |= {g.id: f"@{g.handle}" for g in world.groups.values()}
    return {
        "me": user.id, "bot": BOT_USER,
        "people": [
            {"id": u.id, "name": u.real_name, "about": _about(sandbox, u)}
            for u in world.users.values() if not (u.deleted or u.is_bot or u.id == SLACKBOT)
        ],
        "names": names | {c.id: c.name for c in channels if c.name},
        "channels": [_listed(sandbox, user, c) for c in channels],
        "shortcuts": features.get("shortcuts") or [],
        "home": bool((features.get("app_home") or {}).get("home_tab_enabled")),
        "web": sandbox.web_url,
        "connected": len(sandbox.socket.connections) > 0 or sandbox.deliveries.mode == "http",
    }  # fmt: skip


def _about(sandbox: Sandbox, user: User) -> str:
    groups = [f"@{g.handle}" for g in sandbox.world.groups.values() if user.id in g.users]
    kind = ["guest"] if user.is_restricted else ["another company"] if user.is_stranger else []
    return " ".join([*kind, *groups])


def _name(sandbox: Sandbox, user: User, channel: Channel) -> str:
    """A channel's name, or with whom a direct conversation is."""
    if channel.name:
        return channel.name
    other = next((member for member in channel.members if member != user.id), user.id)
    return sandbox.world.users[other].real_name


def _listed(sandbox: Sandbox, user: User, channel: Channel) -> dict[str, Any]:
    rows = [m for m in channel.messages if _seen(m, user)]
    kind = "group" if channel.is_mpim else "dm" if channel.is_im else "private" if channel.is_private else "channel"
    return {
        "id": channel.id, "name": _name(sandbox, user, channel), "kind": kind, "archived": channel.is_archived,
        "joined": user.id in channel.members, "of": channel.members if channel.is_im else [],
        "last": max((m.ts for m in rows if m.user != user.id), default=""),
    }  # fmt: skip


def _seen(message: Message, user: User) -> bool:
    return not message.deleted and message.shown and message.ephemeral_for in (None, user.id)


def channel(sandbox: Sandbox, user: User, name: str) -> dict[str, Any]:
    """A channel as this person sees it, or {error}: {id, name, topic, members, messages, pins, bookmarks, canvas}."""
    try:
        found = sandbox.people.place(user, name, write=False)
    except CannotDo as no:
        return {"id": name, "error": str(no)}
    canvas = sandbox.world.canvases.get(found.canvas)
    messages = [_message(found, m) for m in found.messages if _seen(m, user)][-MOST_MESSAGES:]
    return {
        "id": found.id, "name": _name(sandbox, user, found), "topic": found.topic, "purpose": found.purpose,
        "members": found.members, "private": found.is_private, "dm": found.is_im, "archived": found.is_archived,
        "app": found.is_im and BOT_USER in found.members,
        "messages": messages, "pins": found.pins,
        "bookmarks": [{"title": b["title"], "link": b["link"]} for b in found.bookmarks],
        "canvas": "\n\n".join(text for _, text in canvas.sections) if canvas else None,
    }  # fmt: skip


def _message(channel: Channel, message: Message) -> dict[str, Any]:
    row = {name: value for name, value in said(message).items() if name not in LEFT_OUT}
    return row | {"pinned": message.ts in channel.pins}


def screen(sandbox: Sandbox, user: User) -> dict[str, Any]:
    """What lies over the channel: the stack of modals (the last one on top), the app's Home, what Slack itself said."""
    world = sandbox.world
    stack = [world.views[v].as_slack() for v in world.open_views.get(user.id, []) if v in world.views]
    home = world.views.get(world.homes.get(user.id, ""))
    notices = [{"number": n} | row for n, row in enumerate(world.notices) if row["user"] == user.id]
    return {"open": stack, "home": home.as_slack() if home else None, "notices": notices[-5:]}
