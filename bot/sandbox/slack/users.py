"""users.* and usergroups.*: who people are.

Belongs here: contract A13 (flags of a person) and A10 (which scope shows the email).
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import TEAM, Group, User


def _shown(asked: Asked, user: User) -> dict[str, Any]:
    return user.as_slack("users:read.email" in asked.world.scopes)


@method("users.info", "users:read", tier=4)
def info(asked: Asked) -> Body:
    return {"ok": True, "user": _shown(asked, asked.user())}


@method("users.list", "users:read", tier=2)
def list_users(asked: Asked) -> Body:
    page, cursor = asked.page(list(asked.world.users.values()), usual=1000)
    return {"ok": True, "members": [_shown(asked, u) for u in page], "response_metadata": {"next_cursor": cursor}}


@method("users.lookupByEmail", "users:read.email", tier=3)
def lookup_by_email(asked: Asked) -> Body:
    email = asked.need("email").lower()
    for user in asked.world.users.values():
        # Contract A13: users_not_found for deactivated people.
        if user.email.lower() == email and not user.deleted and not user.is_stranger:
            return {"ok": True, "user": _shown(asked, user)}
    raise SlackError("users_not_found")


@method("users.profile.get", "users.profile:read", tier=4)
def profile(asked: Asked) -> Body:
    return {"ok": True, "profile": _shown(asked, asked.user())["profile"]}


def _group(asked: Asked, group: Group) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": group.id, "team_id": TEAM, "is_usergroup": True, "name": group.name, "handle": group.handle,
        "is_external": False, "date_delete": 1 if group.disabled else 0, "prefs": {"channels": [], "groups": []},
    }  # fmt: skip
    if group.updated_by:
        shown["updated_by"] = group.updated_by
    if asked.flag("include_count"):
        shown["user_count"] = str(len(group.users))
    if asked.flag("include_users"):
        shown["users"] = list(group.users)
    return shown


@method("usergroups.list", "usergroups:read", tier=2)
def groups(asked: Asked) -> Body:
    shown = [g for g in asked.world.groups.values() if not g.disabled or asked.flag("include_disabled")]
    return {"ok": True, "usergroups": [_group(asked, g) for g in shown]}


@method("usergroups.users.list", "usergroups:read", tier=2)
def group_users(asked: Asked) -> Body:
    group = asked.world.groups.get(asked.need("usergroup", "no_such_subteam"))
    if group is None or (group.disabled and not asked.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"ok": True, "users": list(group.users)}
