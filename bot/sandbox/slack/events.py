"""Events: what happened in the workspace, told to the app it subscribed (contract A4)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bot.sandbox.world import APP, BOT_USER, TEAM, Channel, File, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox


def _kind(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "mpim" if channel.is_mpim else "group" if channel.is_private else "channel"


PLURAL = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


class Events:
    """Builds the envelopes and hands them to the deliveries, when the app subscribed to that event."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def tell(self, event: dict[str, Any], subscription: str | None = None) -> str | None:
        """Send one event in its envelope. Returns the delivery's id; None when the app did not subscribe."""
        if (subscription or event["type"]) not in self.sandbox.settings.subscribed:
            return None
        now = time.time()
        envelope = {
            "token": "deprecated", "team_id": TEAM, "context_team_id": TEAM, "context_enterprise_id": None,
            "api_app_id": APP, "event": event | {"event_ts": event.get("event_ts", f"{now:.6f}")},
            "type": "event_callback", "event_id": self.sandbox.world.id("Ev"), "event_time": int(now),
            "authorizations": [{
                "enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER, "is_bot": True,
                "is_enterprise_install": False,
            }],
            "is_ext_shared_channel": False, "event_context": "4-sandbox",
        }  # fmt: skip
        return self.sandbox.deliveries.event(envelope).id

    def posted(self, channel: Channel, message: Message) -> list[str]:
        """A message appeared: message.*, and app_mention when it names the bot. Only where the bot is a member."""
        if BOT_USER not in channel.members or (message.by_app and not self.sandbox.settings.own_messages):
            return []
        event = message.as_slack() | {"channel": channel.id, "channel_type": _kind(channel), "event_ts": message.ts}
        told = [self.tell(event, f"message.{PLURAL[_kind(channel)]}")]
        if f"<@{BOT_USER}" in message.text and not channel.is_im and not message.by_app:
            told.append(self.tell({k: v for k, v in event.items() if k != "channel_type"} | {"type": "app_mention"}))
        return [t for t in told if t]

    def shared(self, channel: Channel, file: File) -> str | None:
        """A person shared a file where the bot is: file_shared names it and says nothing of what is in it.

        Not in the contracts; the fields are those of Slack's event page as commonly shown.
        """
        if BOT_USER not in channel.members:
            return None
        return self.tell({
            "type": "file_shared", "file_id": file.id, "user_id": file.user, "file": {"id": file.id},
            "channel_id": channel.id,
        })  # fmt: skip

    def member(self, channel: Channel, user: str, joined: bool, inviter: str | None = None) -> None:
        if BOT_USER not in channel.members:
            return
        event: dict[str, Any] = {
            "type": "member_joined_channel" if joined else "member_left_channel", "user": user, "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C", "team": TEAM,
        }  # fmt: skip
        self.tell(event | ({"inviter": inviter} if inviter else {}))

    def reacted(self, channel: Channel, message: Message, user: str, name: str, *, off: bool = False) -> str | None:
        if BOT_USER not in channel.members:
            return None
        item = {"type": "message", "channel": channel.id, "ts": message.ts}
        return self.tell({
            "type": "reaction_removed" if off else "reaction_added", "user": user, "reaction": name,
            "item_user": message.user, "item": item,
        })  # fmt: skip

    def pinned(self, channel: Channel, message: Message, user: str, *, off: bool = False) -> str | None:
        if BOT_USER not in channel.members:
            return None
        item = {"type": "message", "channel": channel.id, "message": message.as_slack(), "created_by": user}
        kind = "pin_removed" if off else "pin_added"
        return self.tell(
            {"type": kind, "user": user, "channel_id": channel.id, "item": item, "has_pins": bool(channel.pins)}
        )

    def edited(self, channel: Channel, message: Message, before: dict[str, Any]) -> str | None:
        """A message was edited: subtype message_changed, with how it was and how it is."""
        return self._changed(channel, "message_changed", {"message": message.as_slack(), "previous_message": before})

    def deleted(self, channel: Channel, message: Message) -> str | None:
        """A message was deleted: subtype message_deleted, with how it was."""
        more = {"deleted_ts": message.ts, "previous_message": message.as_slack()}
        return self._changed(channel, "message_deleted", more)

    def _changed(self, channel: Channel, subtype: str, more: dict[str, Any]) -> str | None:
        if BOT_USER not in channel.members:
            return None
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id,
                 "channel_type": _kind(channel), "ts": self.sandbox.world.ts(), **more}  # fmt: skip
        return self.tell(event, f"message.{PLURAL[_kind(channel)]}")

    def user_changed(self, user_id: str, new: bool = False) -> None:
        user = self.sandbox.world.users[user_id]
        self.tell({"type": "team_join" if new else "user_change", "user": user.as_slack()})

    def group_changed(self, group_id: str, added: list[str], removed: list[str]) -> None:
        group = self.sandbox.world.groups[group_id]
        self.tell({
            "type": "subteam_members_changed", "subteam_id": group.id, "team_id": TEAM, "added_users": added,
            "removed_users": removed, "added_users_count": len(added), "removed_users_count": len(removed),
        })  # fmt: skip

    def home_opened(self, user: str) -> str | None:
        world = self.sandbox.world
        event: dict[str, Any] = {
            "type": "app_home_opened", "user": user, "channel": world.direct(user).id, "tab": "home",
        }  # fmt: skip
        view = world.views.get(world.homes.get(user, ""))
        return self.tell(event | ({"view": view.as_slack()} if view else {}))
