"""Slack says that a user group or an account changed: look again, so that the next vote is decided on what is true.

Belongs here: which belief an event makes old. Does not belong here: looking and believing (playbooks/directory.py).
"""

from __future__ import annotations

from commands.house import House
from storage.inbox import Ask


async def look(ask: Ask, house: House) -> None:
    """Refresh what the event is about. values: event_type and subject (a Slack group or user id)."""
    kind = str(ask.values.get("event_type", ""))
    if kind.startswith("subteam"):
        await house.directory.refresh_groups(house.policy, [name for name, g in house.policy.groups.items() if g.slack])
    elif kind in ("user_change", "team_join"):
        await house.directory.refresh_account(ask.account_kind, ask.account)
