"""pins.*, bookmarks.* and reactions.*: small marks on channels and messages (contract A9, A10)."""

from __future__ import annotations

import re

from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import BOT_USER, Channel, Message

BOOKMARKS_MAX, PINS_MAX = 100, 100


def _marked(asked: Asked) -> tuple[Channel, Message]:
    channel = asked.joined()
    message = channel.find(asked.text("timestamp"))
    if message is None or message.ephemeral_for:
        raise SlackError("message_not_found" if asked.has("timestamp") else "no_item_specified")
    return channel, message


@method("pins.add", "pins:write", tier=2)
def pin(asked: Asked) -> Body:
    channel, message = _marked(asked)
    if message.ts in channel.pins:
        raise SlackError("already_pinned")
    if len(channel.pins) >= PINS_MAX:
        raise SlackError("too_many_pins")
    channel.pins.append(message.ts)
    return {"ok": True}


@method("pins.remove", "pins:write", tier=2)
def unpin(asked: Asked) -> Body:
    channel, message = _marked(asked)
    if message.ts not in channel.pins:
        raise SlackError("no_pin")
    channel.pins.remove(message.ts)
    return {"ok": True}


@method("pins.list", "pins:read", tier=2)
def list_pins(asked: Asked) -> Body:
    channel = asked.joined(live=False)
    found = [m for ts in reversed(channel.pins) if (m := channel.find(ts)) is not None]
    items = [{"type": "message", "channel": channel.id, "message": m.as_slack(), "created_by": BOT_USER} for m in found]
    return {"ok": True, "items": items}


@method("bookmarks.add", "bookmarks:write", tier=2)
def add_bookmark(asked: Asked) -> Body:
    channel = asked.joined("channel_id")
    if asked.text("type") != "link":
        raise SlackError("invalid_bookmark_type")  # contract A9: links only
    title, link = asked.need("title"), asked.text("link")
    if not re.match(r"https?://\S+$", link):
        raise SlackError("invalid_link")
    if len(channel.bookmarks) >= BOOKMARKS_MAX:
        raise SlackError("too_many_bookmarks")  # contract A9
    bookmark = {
        "id": asked.world.id("Bk"), "channel_id": channel.id, "title": title, "link": link, "type": "link",
        "emoji": asked.text("emoji") or None, "app_id": "A0MUSTER",
    }  # fmt: skip
    channel.bookmarks.append(bookmark)
    return {"ok": True, "bookmark": bookmark}


@method("bookmarks.list", "bookmarks:read", "bookmarks:write", tier=3)
def list_bookmarks(asked: Asked) -> Body:
    return {"ok": True, "bookmarks": asked.joined("channel_id", live=False).bookmarks}


@method("bookmarks.remove", "bookmarks:write", tier=2)
def remove_bookmark(asked: Asked) -> Body:
    channel, wanted = asked.joined("channel_id"), asked.need("bookmark_id")
    if all(b["id"] != wanted for b in channel.bookmarks):
        raise SlackError("not_found")
    channel.bookmarks = [b for b in channel.bookmarks if b["id"] != wanted]
    return {"ok": True}


def _reaction(asked: Asked) -> tuple[Message, str]:
    name = asked.text("name").strip(":")
    if not re.fullmatch(r"[\w+'-]+(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return _marked(asked)[1], name


@method("reactions.add", "reactions:write", tier=3)
def react(asked: Asked) -> Body:
    message, name = _reaction(asked)
    people = message.reactions.setdefault(name, [])
    if BOT_USER in people:
        raise SlackError("already_reacted")
    people.append(BOT_USER)
    return {"ok": True}


@method("reactions.remove", "reactions:write", tier=2)
def unreact(asked: Asked) -> Body:
    message, name = _reaction(asked)
    people = message.reactions.get(name, [])
    if BOT_USER not in people:
        raise SlackError("no_reaction")
    people.remove(BOT_USER)
    if not people:
        del message.reactions[name]
    return {"ok": True}
