"""What Slack says, in words and types: the shapes the connector hands out and what its error codes ask a person to do.

Belongs here: data and words, no SDK. Does not belong here: any call (`slack.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playbooks.connectors.answers import ServiceRefused

Json = Mapping[str, Any]

# Codes that say nothing about the effect: "some aspect may have succeeded before the error" (Slack's own words).
UNSURE = frozenset({"fatal_error", "internal_error", "service_unavailable", "team_added_to_org"})
LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
# Codes of conversations.invite that are about people, not about the channel (contract A9).
ABOUT_PEOPLE = frozenset({
    "already_in_channel", "cant_invite_self", "cant_invite", "user_is_restricted", "user_is_ultra_restricted",
    "ura_max_channels", "org_user_not_in_team", "invitee_cant_see_channel", "no_external_invite_permission",
    "user_not_found", "no_user", "user_disabled", "users_not_found", "failed_for_some_users", "failed_for_all_users",
})  # fmt: skip
IN_ALREADY = frozenset({"already_in_channel", "cant_invite_self"})
SET_IT = "Set SLACK_BOT_TOKEN to the app's current bot token (Slack app settings, OAuth & Permissions)."
INVITE_ME = "Invite the bot to that channel (/invite @muster)."
NEXT_STEP = {
    "invalid_auth": SET_IT, "not_authed": SET_IT, "token_revoked": SET_IT, "token_expired": SET_IT,
    "account_inactive": SET_IT, "not_allowed_token_type": SET_IT, "org_login_required": SET_IT,
    "channel_not_found": "Check the channel's name or id; a private channel must have the bot as a member.",
    "not_in_channel": INVITE_ME, "no_permission": INVITE_ME,
    "is_archived": "Somebody must unarchive the channel (a bot cannot).",
    "restricted_action": "A workspace setting forbids it; a workspace admin can allow it for the app.",
    "cannot_create_channel": "A workspace setting forbids it; a workspace admin can allow it for the app.",
    "user_not_found": "Check the user id; it belongs to one workspace only.",
    "no_such_subteam": "Check the user group's handle.",
    "messages_tab_disabled": "Switch on the Messages tab in the app's App Home settings.",
    "expired_trigger_id": "Press again; Slack gives three seconds.", "trigger_expired": "Press again.",
    "exchanged_trigger_id": "Press again.", "trigger_exchanged": "Press again.", "invalid_trigger_id": "Press again.",
    "expired_url": "The answer address is too old (30 minutes).", "used_url": "The answer address was used five times.",
}  # fmt: skip


def refused(method: str, code: str, data: Json) -> ServiceRefused:
    """The refusal for an error code, naming the code and what to do. missing_scope names the scope (contract A10)."""
    if code == "missing_scope":
        scope = str(data.get("needed") or "a scope")
        todo = f"Add the scope {scope} to the app and install it again."
        return ServiceRefused("Slack", code, f"Slack refused {method}: missing_scope, it needs {scope}.", todo=todo)
    details = "; ".join(str(m) for m in (data.get("response_metadata") or {}).get("messages") or [])
    more = f" ({details[:200]})" if details else ""
    words = f"Slack refused {method}: {code}{more}."
    return ServiceRefused("Slack", code, words, todo=NEXT_STEP.get(code, ""), details=data)


@dataclass(frozen=True)
class SlackTeam:
    """Who the token is: workspace, bot and granted scopes. enterprise_id is "" outside an Enterprise org."""

    team_id: str
    team: str
    url: str
    bot_user_id: str
    bot_id: str
    enterprise_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class SlackUser:
    """A Slack account (contract A13). is_guest: single- or multi-channel guest. is_stranger: from another workspace."""

    team_id: str
    id: str
    name: str
    real_name: str
    email: str
    deleted: bool
    is_bot: bool
    is_guest: bool
    is_stranger: bool
    is_admin: bool
    enterprise_id: str


@dataclass(frozen=True)
class UserGroup:
    """A user group. handle: without "@"; updated_by: user id of who changed it last."""

    id: str
    handle: str
    name: str
    users: tuple[str, ...]
    updated_by: str | None = None


@dataclass(frozen=True)
class Channel:
    """A conversation. created: Unix seconds; creator: user id."""

    id: str
    name: str
    is_private: bool
    is_archived: bool
    is_member: bool
    creator: str
    created: int
    topic: str


@dataclass(frozen=True)
class Message:
    """A message's address: channel id and ts."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Invited:
    """What came of an invitation. invited: also those who were in already; failed: user id -> Slack's code."""

    invited: tuple[str, ...]
    failed: Mapping[str, str]


@dataclass(frozen=True)
class SlackFile:
    """An uploaded file."""

    id: str
    title: str
    permalink: str


@dataclass(frozen=True)
class View:
    """An open modal. hash: pass it to update_view, a stale one is refused with hash_conflict."""

    id: str
    hash: str


def to_user(raw: Json) -> SlackUser:
    """users.info `user` -> SlackUser. "USLACKBOT" counts as a bot although Slack says is_bot=false (contract A13)."""
    profile: Json = raw.get("profile") or {}
    enterprise: Json = raw.get("enterprise_user") or {}
    return SlackUser(
        team_id=str(raw.get("team_id") or profile.get("team") or ""),
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        real_name=str(profile.get("real_name") or raw.get("real_name") or raw.get("name") or ""),
        email=str(profile.get("email") or ""),
        deleted=bool(raw.get("deleted")),
        is_bot=bool(raw.get("is_bot")) or raw["id"] == "USLACKBOT",
        is_guest=bool(raw.get("is_restricted") or raw.get("is_ultra_restricted")),
        is_stranger=bool(raw.get("is_stranger")),
        is_admin=bool(raw.get("is_admin") or raw.get("is_owner")),
        enterprise_id=str(enterprise.get("id") or ""),
    )


def to_channel(raw: Json) -> Channel:
    """A conversation object -> Channel. Privacy is read from the flags, never from the id's prefix (contract A9)."""
    return Channel(
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        is_private=bool(raw.get("is_private")),
        is_archived=bool(raw.get("is_archived")),
        is_member=bool(raw.get("is_member")),
        creator=str(raw.get("creator") or ""),
        created=int(raw.get("created") or 0),
        topic=str((raw.get("topic") or {}).get("value") or ""),
    )


def to_group(raw: Json) -> UserGroup:
    """A usergroup object -> UserGroup."""
    users = tuple(str(user) for user in raw.get("users") or ())
    changed = str(raw.get("updated_by") or "") or None
    return UserGroup(str(raw["id"]), str(raw.get("handle") or ""), str(raw.get("name") or ""), users, changed)
