"""The Slack app's manifest (contract A11): paste it at api.slack.com/apps, "From a manifest".

Belongs here: commands, shortcuts, scopes (contract A10) and events Muster uses, and why a scope is there.
Does not belong here: asking Slack whether they were granted (doctor.py).
"""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

SCOPES: dict[str, str] = {
    "commands": "slash commands and shortcuts",
    "chat:write": "cards and messages",
    "chat:write.public": "the announcement, without joining its channel first",
    "channels:manage": "open, name and archive an incident's channel",
    "groups:write": "the same for private incidents",
    "channels:read": "find channels",
    "groups:read": "find private incident channels",
    "channels:history": "find a card whose posting was interrupted; read a message put on the timeline",
    "groups:history": "the same in private channels",
    "im:write": "answer people who are in no channel with Muster",
    "im:read": "find those conversations again",
    "im:history": "read what people write to Muster alone; find a message whose posting was interrupted",
    "users:read": "who is a full member, a guest or deactivated",
    "users:read.email": "match people to the pager",
    "usergroups:read": "who may approve",
    "pins:write": "pin the board",
    "pins:read": "a pinned message is put on the timeline",
    "reactions:read": "so is one with the reaction that policy names",
    "files:write": "share the post-mortem draft",
    "canvases:write": "write into a channel's canvas",
    "canvases:read": "find what was written there when the answer was lost",
    "metadata.message:read": "find a card whose posting was interrupted",
    "app_mentions:read": "`@Muster incident status`",
}
BACK = "/sign-in/back"  # no user scope: Slack refuses an installation that asks for `openid` beside bot scopes
EVENTS = (
    "app_home_opened", "app_mention", "message.channels", "message.groups", "message.im", "pin_added",
    "pin_removed", "reaction_added", "reaction_removed", "subteam_members_changed", "team_join", "user_change",
)  # fmt: skip
COMMANDS = {
    "/incident": ("Declare, follow and end incidents", "declare sev1 checkout is down | status | help"),
    "/playbook": ("Plan, run and approve recovery playbooks", "plan failover/rds-multi-az service=checkout | help"),
}


def manifest(url: str | None, pages: str | None = None) -> dict[str, Any]:
    """The manifest. url: Muster's public https address for signed HTTP; None: Socket Mode.

    pages: its public address for people. Their browsers come back there from signing in; Slack wants https for that.
    """
    back = [f"{pages}{BACK}"] if pages and pages.startswith("https://") else []
    events_url = f"{url}/slack/events" if url else None
    return {
        "_metadata": {"major_version": 2, "minor_version": 0},
        "display_information": {
            "name": "Muster",
            "description": "Incident command and disaster recovery: page, tell, recover with approval, write it down.",
        },
        "features": {
            "bot_user": {"display_name": "Muster", "always_online": True},
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True,
                         "messages_tab_read_only_enabled": False},
            "slash_commands": [_command(name, *words, events_url) for name, words in COMMANDS.items()],
            "shortcuts": [
                {"name": "Declare an incident", "type": "global", "callback_id": "incident declare",
                 "description": "Page, open a channel, tell people"},
                {"name": "Declare from message", "type": "message", "callback_id": "incident declare",
                 "description": "The form begins with its words; its link goes on the timeline"},
                {"name": "Add to the timeline", "type": "message", "callback_id": "incident capture",
                 "description": "Keep this message, with author, time and link"},
            ],
        },
        "oauth_config": ({"redirect_urls": back} if back else {}) | {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "socket_mode_enabled": url is None,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
            "interactivity": {"is_enabled": True} | ({"request_url": events_url} if events_url else {}),
            "event_subscriptions": {"bot_events": list(EVENTS)} | ({"request_url": events_url} if events_url else {}),
        },
    }  # fmt: skip


def _command(name: str, description: str, hint: str, url: str | None) -> dict[str, Any]:
    command = {"command": name, "description": description, "usage_hint": hint, "should_escape": True}
    return command | ({"url": url} if url else {})


def as_yaml(found: dict[str, Any]) -> str:
    """The manifest as YAML, in order."""
    out = io.StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.dump(found, out)
    return out.getvalue()
