"""chat.*: post, change and delete messages.

Belongs here: contract A7 (one message a second), A8 (message rules), A9 (membership). Block limits are ``blocks.py``.
"""

from __future__ import annotations

import json
from typing import Any

from bot.sandbox.slack import blocks as kit
from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import BOT, BOT_USER, TEAM_DOMAIN, Channel, Message

TEXT_MAX, UPDATE_MAX = 40_000, 4_000  # contract A8
METADATA_MAX = 8_000  # contract A9 says a limit exists and does not know it: this figure is a guess
BURST = 20  # contract A7: one message a second for a channel, "bursts tolerated"
PER_MINUTE = 300  # contract A7: several hundred a minute for a workspace


def slow_down(asked: Asked, channel: Channel) -> int:
    """Seconds to wait before this post; contract A7's own rule for chat.postMessage."""
    rates = asked.sandbox.rates
    return rates.bucket(f"post:{channel.id}", 1.0, BURST) or rates.window("post", PER_MINUTE)


def content(asked: Asked) -> dict[str, Any]:
    """Text, blocks, attachments and metadata of a call, checked against contract A8."""
    blocks, attachments = (asked.json("blocks", "invalid_blocks_format"), asked.json("attachments"))
    if asked.has("markdown_text") and (asked.has("text") or blocks):
        raise SlackError("markdown_text_conflict")  # contract A8
    if blocks is not None:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        wrong = kit.problems(blocks)
        if wrong:
            raise SlackError("invalid_blocks", wrong)
    if attachments is not None and (not isinstance(attachments, list) or len(attachments) > 100):
        raise SlackError("too_many_attachments" if isinstance(attachments, list) else "invalid_attachments")
    return {
        "text": asked.text("text") or asked.text("markdown_text"), "blocks": blocks, "attachments": attachments,
        "metadata": metadata(asked),
    }  # fmt: skip


def metadata(asked: Asked) -> dict[str, Any] | None:
    """Contract A9: {event_type, event_payload}. None when not given; ``{}`` clears in chat.update (contract A8)."""
    given = asked.json("metadata", "invalid_metadata_format")
    if given is None:
        return None
    if given == {}:
        return {}
    whole = isinstance(given, dict) and isinstance(given.get("event_type"), str)
    if not whole or not isinstance(given.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(given)) > METADATA_MAX:
        raise SlackError("metadata_too_large")
    return {"event_type": given["event_type"], "event_payload": given["event_payload"]}


def target(asked: Asked) -> Channel:
    """Where a message goes: a channel id, #name, or a person (contract A9: opens the app's direct messages)."""
    wanted = asked.need("channel", "channel_not_found")
    world = asked.world
    user = world.users.get(wanted)
    if user is not None:
        if user.deleted or user.is_bot:
            raise SlackError("channel_not_found" if user.deleted else "cannot_dm_bot")
        return world.direct(user.id)
    channel = world.channel(wanted)
    if channel is None or (channel.is_private and BOT_USER not in channel.members):
        raise SlackError("channel_not_found")  # contract A9
    if channel.is_archived:
        raise SlackError("is_archived")
    if BOT_USER not in channel.members and "chat:write.public" not in world.scopes:
        raise SlackError("not_in_channel")  # contract A10: chat:write.public posts without joining
    return channel


@method("chat.postMessage", "chat:write", tier=0)
def post_message(asked: Asked) -> Body:
    channel, said = target(asked), content(asked)
    if not said["text"] and not said["blocks"] and not said["attachments"]:
        raise SlackError("no_text")
    thread = asked.text("thread_ts") or None
    if thread and channel.find(thread) is None:
        raise SlackError("thread_not_found")
    text = said["text"]
    message = Message(
        asked.world.ts(), BOT_USER, text[:TEXT_MAX], said["blocks"] or [], said["attachments"] or [],
        said["metadata"] or None, thread, by_app=True, subtype=None,
    )  # fmt: skip
    number_blocks(message)
    channel.messages.append(message)
    asked.sandbox.events.posted(channel, message)
    body: Body = {"ok": True, "channel": channel.id, "ts": message.ts, "message": message.as_slack(True)}
    if len(text) > TEXT_MAX:
        body["response_metadata"] = {"warnings": ["message_truncated"]}  # contract A8: truncated above 40,000
    return body


def number_blocks(message: Message) -> None:
    """Give blocks and elements the ids Slack would make up, so that they can be pressed."""
    for n, block in enumerate(message.blocks):
        block.setdefault("block_id", f"b{n:02d}{message.ts[-4:]}")
        for m, element in enumerate([*(block.get("elements") or []), block.get("accessory"), block.get("element")]):
            if isinstance(element, dict) and element.get("type") in (*kit.INPUTS, "button", "overflow"):
                element.setdefault("action_id", f"a{m:02d}{message.ts[-4:]}")


@method("chat.update", "chat:write", tier=3)
def update(asked: Asked) -> Body:
    channel, message = own_message(asked, "cant_update_message")
    said = content(asked)
    if len(said["text"]) > UPDATE_MAX:
        raise SlackError("msg_too_long")  # contract A8
    given = [name for name in ("text", "markdown_text", "blocks", "attachments") if asked.has(name)]
    if not given and not asked.has("metadata"):
        raise SlackError("no_text")
    if given:
        if not said["text"] and not said["blocks"] and not said["attachments"]:
            raise SlackError("no_text")
        message.text = said["text"]
        message.blocks = said["blocks"] or []  # contract A8: text without blocks REMOVES the blocks
        if asked.has("attachments"):
            message.attachments = said["attachments"]
        message.edited = {"user": BOT, "ts": asked.world.ts()}
        number_blocks(message)
    if said["metadata"] is not None:  # contract A8: omitted metadata is kept, {} clears
        message.metadata = said["metadata"] or None
    return {
        "ok": True, "channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_slack(True),
    }  # fmt: skip


def own_message(asked: Asked, refusal: str) -> tuple[Channel, Message]:
    """A message the bot itself wrote, by channel id and ts. Needs the D.. id for direct messages (contract A8)."""
    channel = asked.channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    message = channel.find(asked.need("ts", "message_not_found"))
    if message is None or message.ephemeral_for:  # contract A2: an ephemeral message is not updatable
        raise SlackError("message_not_found")
    if message.user != BOT_USER:
        raise SlackError(refusal)
    return channel, message


@method("chat.delete", "chat:write", tier=3)
def delete(asked: Asked) -> Body:
    channel, message = own_message(asked, "cant_delete_message")
    message.deleted = True
    channel.pins = [ts for ts in channel.pins if ts != message.ts]
    return {"ok": True, "channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(asked: Asked) -> Body:
    channel, said = asked.joined(), content(asked)
    user = asked.world.users.get(asked.need("user", "user_not_in_channel"))
    if user is None or user.deleted or user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    if not said["text"] and not said["blocks"] and not said["attachments"]:
        raise SlackError("no_text")
    message = Message(
        asked.world.ts(), BOT_USER, said["text"][:TEXT_MAX], said["blocks"] or [], said["attachments"] or [],
        thread_ts=asked.text("thread_ts") or None, by_app=True, ephemeral_for=user.id,
    )  # fmt: skip
    number_blocks(message)
    channel.messages.append(message)
    return {"ok": True, "message_ts": message.ts}


@method("chat.getPermalink", tier=4)
def get_permalink(asked: Asked) -> Body:
    channel = asked.channel()
    ts = asked.need("message_ts", "message_not_found")
    message = channel.find(ts)
    if message is None or message.ephemeral_for:
        raise SlackError("message_not_found")
    link = f"https://{TEAM_DOMAIN}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"ok": True, "channel": channel.id, "permalink": link}
