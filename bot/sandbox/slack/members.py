"""Who is in a channel: invite, kick, join, leave, members, and opening direct conversations.

Belongs here: contract A9's invite rules. Does not belong here: what a person is (``users.py``).
"""

from __future__ import annotations

from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import BOT_USER, Channel

INVITE_MAX = 100  # contract A9: the argument table says 100, the text 1000; the smaller is kept


def _refusal(asked: Asked, channel: Channel, user_id: str) -> str | None:
    """Why this person cannot be invited (contract A9), or None."""
    user = asked.world.users.get(user_id)
    if user is None or user.deleted:
        return "user_not_found"
    if user_id == BOT_USER:
        return "cant_invite_self"
    if user_id in channel.members:
        return "already_in_channel"
    if user.is_stranger:
        return "no_external_invite_permission"
    if user.is_ultra_restricted:
        return "ura_max_channels"
    return "user_is_restricted" if user.is_restricted else None


@method("conversations.invite", tier=3)
def invite(asked: Asked) -> Body:
    channel = asked.joined()
    asked.scope(*(("groups:write", "groups:write.invites") if channel.is_private else
                  ("channels:manage", "channels:write.invites")))  # contract A10  # fmt: skip
    users = [u for u in asked.text("users").replace(" ", "").split(",") if u]
    if not users:
        raise SlackError("no_user")
    if len(users) > INVITE_MAX:
        raise SlackError("too_many_users")
    wrong = {u: code for u in users if (code := _refusal(asked, channel, u)) is not None}
    errors = [{"user": u, "ok": False, "error": code} for u, code in wrong.items()]
    welcome = [u for u in dict.fromkeys(users) if u not in wrong]
    # Contract A9: one bad id fails the whole call unless force=true.
    if wrong and not (asked.flag("force") and welcome):
        raise SlackError(errors[0]["error"] if len(set(wrong.values())) == 1 else "failed_for_some_users",  # type: ignore[arg-type]
                         errors=errors)  # fmt: skip
    for user in welcome:
        channel.members.append(user)
        asked.sandbox.events.member(channel, user, joined=True, inviter=BOT_USER)
    body: Body = {"ok": True, "channel": channel.as_slack()}
    return body | ({"errors": errors} if errors else {})


@method("conversations.kick", "channels:manage", "groups:write", tier=3)
def kick(asked: Asked) -> Body:
    channel, user = asked.joined(), asked.user()
    asked.manage(channel)
    if user.id == BOT_USER:
        raise SlackError("cant_kick_self")
    if channel.is_general:
        raise SlackError("cant_kick_from_general")
    if user.id not in channel.members:
        raise SlackError("not_in_channel")
    channel.members.remove(user.id)
    asked.sandbox.events.member(channel, user.id, joined=False)
    return {"ok": True}


@method("conversations.join", "channels:join", tier=3)
def join(asked: Asked) -> Body:
    channel = asked.channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_private or channel.is_im:
        raise SlackError("method_not_supported_for_channel_type")
    if BOT_USER in channel.members:
        return {"ok": True, "channel": channel.as_slack(), "warning": "already_in_channel"}
    channel.members.append(BOT_USER)
    return {"ok": True, "channel": channel.as_slack()}


@method("conversations.leave", "channels:manage", "groups:write", tier=3)
def leave(asked: Asked) -> Body:
    channel = asked.channel()
    if channel.is_general:
        raise SlackError("cant_leave_general")
    if BOT_USER not in channel.members:
        return {"ok": False, "not_in_channel": True}
    channel.members.remove(BOT_USER)
    return {"ok": True}


@method("conversations.members", "channels:read", "groups:read", tier=4)
def members(asked: Asked) -> Body:
    page, cursor = asked.page(asked.channel().members)
    return {"ok": True, "members": page, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", "im:write", tier=3)
def open_direct(asked: Asked) -> Body:
    users = [u for u in asked.text("users").replace(" ", "").split(",") if u]
    if not users:
        if asked.has("channel"):
            return {"ok": True, "channel": {"id": asked.channel().id}}
        raise SlackError("users_list_not_supplied")
    if len(users) > 8:
        raise SlackError("too_many_users")
    for user_id in users:
        user = asked.world.users.get(user_id)
        if user is None:
            raise SlackError("user_not_found")
        if user.deleted:
            raise SlackError("user_disabled")
    if len(users) > 1:
        asked.scope("mpim:write")
    channel = asked.world.direct(*users)
    shown = channel.as_slack() if asked.flag("return_im") else {"id": channel.id}
    return {"ok": True, "channel": shown}
