"""conversations.*: the life of a channel.

Belongs here: contract A9 names, topics, archives; reading a channel. Members come and go in ``members.py``.
"""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import BOT_USER, Channel, Message

NAME_MAX, TOPIC_MAX = (80, 250)  # contract A9; the 250 of a purpose is uncertain there ([?])
READ = ("channels:read", "groups:read", "im:read", "mpim:read")


def check_name(name: str) -> None:
    """Contract A9: conversations.create validates strictly. The order of the checks is not documented."""
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > NAME_MAX:
        raise SlackError("invalid_name_maxlength")
    if re.fullmatch(r"[^\w\s]+|[-_]+", name):
        raise SlackError("invalid_name_punctuation")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if name in ("here", "channel", "everyone", "group"):  # words Slack keeps for mentions
        raise SlackError("invalid_name")


def modified_name(name: str) -> str:
    """What conversations.rename makes of a name instead of refusing it (contract A9)."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:NAME_MAX]


@method("conversations.create", "channels:manage", "groups:write", tier=2)
def create(asked: Asked) -> Body:
    name, private = asked.text("name"), asked.flag("is_private")
    asked.scope("groups:write" if private else "channels:manage")  # contract A10
    check_name(name)
    # Contract A9 [?]: archived and invisible private channels hold their names too. The stricter belief is kept.
    if asked.world.named(name) is not None:
        raise SlackError("name_taken")
    channel = Channel(asked.world.id("C"), name, BOT_USER, [BOT_USER], private)
    asked.world.add_channel(channel)
    return {"ok": True, "channel": channel.as_slack()}


@method("conversations.rename", "channels:manage", "groups:write", tier=2)
def rename(asked: Asked) -> Body:
    channel = asked.joined()
    asked.manage(channel)
    if channel.creator != BOT_USER:
        raise SlackError("not_authorized")  # contract A9: creator, workspace admin or Channel Manager only
    name = modified_name(asked.text("name"))
    if not name:
        raise SlackError("invalid_name_required" if not asked.text("name") else "invalid_name_punctuation")
    there = asked.world.named(name)
    if there is not None and there is not channel:
        raise SlackError("name_taken")
    if there is None:
        asked.world.rename_channel(channel, name)
    return {"ok": True, "channel": channel.as_slack()}


@method("conversations.setTopic", "channels:manage", "groups:write", "channels:write.topic", tier=2)
def set_topic(asked: Asked) -> Body:
    channel, topic = asked.joined(), asked.text("topic")
    asked.scope(*(("groups:write", "groups:write.topic") if channel.is_private else
                  ("channels:manage", "channels:write.topic")))  # fmt: skip
    if len(topic) > TOPIC_MAX:
        raise SlackError("too_long")  # contract A9
    if topic != channel.topic:
        channel.topic = topic
        note(asked, channel, "channel_topic", f"set the channel topic: {topic}")
    return {"ok": True, "channel": channel.as_slack()}


@method("conversations.setPurpose", "channels:manage", "groups:write", tier=2)
def set_purpose(asked: Asked) -> Body:
    channel, purpose = asked.joined(), asked.text("purpose")
    asked.manage(channel)
    if len(purpose) > TOPIC_MAX:
        raise SlackError("too_long")
    channel.purpose = purpose
    return {"ok": True, "channel": channel.as_slack()}


def note(asked: Asked, channel: Channel, subtype: str, text: str) -> None:
    """The grey line Slack writes itself when a topic changes or somebody joins."""
    channel.messages.append(Message(asked.world.ts(), BOT_USER, f"<@{BOT_USER}> {text}", subtype=subtype))


@method("conversations.archive", "channels:manage", "groups:write", tier=2)
def archive(asked: Asked) -> Body:
    channel = asked.channel()
    asked.manage(channel)
    if channel.is_archived:
        raise SlackError("already_archived")
    if channel.is_general:
        raise SlackError("cant_archive_general")
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    channel.is_archived = True
    return {"ok": True}


@method("conversations.unarchive", "channels:manage", "groups:write", tier=2)
def unarchive(asked: Asked) -> Body:
    """Contract A9: does not work with bot tokens, whatever the channel; the code itself is not documented."""
    channel = asked.channel()
    raise SlackError("not_in_channel" if channel.is_archived else "not_archived")


@method("conversations.info", *READ, tier=3)
def info(asked: Asked) -> Body:
    channel = asked.channel()
    shown = channel.as_slack()
    if not asked.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"ok": True, "channel": shown}


@method("conversations.list", *READ, tier=2)
def list_channels(asked: Asked) -> Body:
    return {"ok": True, **_paged(asked, list(asked.world.channels.values()))}


@method("users.conversations", *READ, tier=2)
def users_conversations(asked: Asked) -> Body:
    who = asked.text("user") or BOT_USER
    if who not in asked.world.users:
        raise SlackError("user_not_found")
    return {"ok": True, **_paged(asked, [c for c in asked.world.channels.values() if who in c.members])}


def _paged(asked: Asked, channels: list[Channel]) -> Body:
    kinds = set((asked.text("types") or "public_channel").replace(" ", "").split(","))
    if not kinds <= {"public_channel", "private_channel", "mpim", "im"}:
        raise SlackError("invalid_types")
    shown = [
        c for c in channels
        if _kind(c) in kinds and not (c.is_archived and asked.flag("exclude_archived"))
        and (_kind(c) == "public_channel" or BOT_USER in c.members)
    ]  # fmt: skip
    page, cursor = asked.page(shown)
    return {"channels": [c.as_slack() for c in page], "response_metadata": {"next_cursor": cursor}}


def _kind(channel: Channel) -> str:
    if channel.is_im or channel.is_mpim:
        return "im" if channel.is_im else "mpim"
    return "private_channel" if channel.is_private else "public_channel"


def _history_scope(asked: Asked, channel: Channel) -> None:
    asked.scope({"im": "im:history", "mpim": "mpim:history", "private_channel": "groups:history"}.get(
        _kind(channel), "channels:history"))  # fmt: skip


def _seen(asked: Asked, message: Message) -> dict[str, Any]:
    with_metadata = asked.flag("include_all_metadata")
    if with_metadata:
        asked.scope("metadata.message:read")  # contract A10
    pinned = {"pinned_to": [channel.id]} if (channel := _channel_of(asked)) and message.ts in channel.pins else {}
    return message.as_slack(with_metadata) | pinned


def _channel_of(asked: Asked) -> Channel | None:
    return asked.world.channel(asked.text("channel"))


@method("conversations.history", tier=3)
def history(asked: Asked) -> Body:
    channel = asked.joined(live=False)
    _history_scope(asked, channel)
    oldest, latest = asked.text("oldest") or "0", asked.text("latest") or "99999999999"
    inclusive = asked.flag("inclusive")
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    rows = [
        m for m in reversed(channel.messages)
        if not m.deleted and not m.ephemeral_for and m.shown and (m.thread_ts in (None, m.ts))
        and (low < float(m.ts) < high or (inclusive and float(m.ts) in (low, high)))
    ]  # fmt: skip
    page, cursor = asked.page(rows, most=999)
    return {
        "ok": True, "messages": [_seen(asked, m) for m in page], "has_more": bool(cursor),
        "pin_count": len(channel.pins), "response_metadata": {"next_cursor": cursor},
    }  # fmt: skip


@method("conversations.replies", tier=3)
def replies(asked: Asked) -> Body:
    channel = asked.joined(live=False)
    _history_scope(asked, channel)
    ts = asked.need("ts", "thread_not_found")
    parent = channel.find(ts)
    if parent is None or parent.ephemeral_for:
        raise SlackError("thread_not_found")
    root = parent.thread_ts or parent.ts
    rows = [m for m in channel.messages if not m.deleted and not m.ephemeral_for and root in (m.ts, m.thread_ts)]
    page, cursor = asked.page(rows)
    return {
        "ok": True, "messages": [_seen(asked, m) for m in page], "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }  # fmt: skip
