"""Somebody opened the app's Home tab: it is drawn for them, and again while they are likely to look at it.

Belongs here: wanting the card, for how long it counts as open (Slack does not say when it is closed), who is on call
being asked meanwhile. Does not belong here: what it shows (bot/render/home.py), publishing it (bot/cards.py).
"""

from __future__ import annotations

import asyncio

from commands.house import House
from storage import cards, leases
from storage.db import Tx
from storage.inbox import Ask

EVENT = "app_home_opened"
STREAM = "home"
PREFIX = "home:"
LOOKED_AT_S = 1800.0


async def after(ask: Ask, house: House) -> None:
    """What is known is drawn at once; then PagerDuty is asked who is on call now, and it is drawn again."""
    services = {one.pagerduty.escalation_policy: one.name for one in house.policy.services.values()}
    looks = [house.directory.refresh_oncall(house.policy, one) for named, one in services.items() if named]
    await asyncio.gather(*looks)
    await house.db.write(lambda tx: cards.want(tx, "home", ask.account, STREAM))


def opened(tx: Tx, account: str) -> None:
    """The Home of this account is looked at from now on."""
    leases.take(tx, f"{PREFIX}{account}", account, lease_s=LOOKED_AT_S)
    cards.want(tx, "home", account, STREAM)


def refresh(tx: Tx) -> int:
    """Rows have changed: every Home that is looked at is wanted anew; returns how many."""
    accounts = sorted(owner for _, owner, _ in leases.held(tx, PREFIX))
    for account in accounts:
        cards.want(tx, "home", account, STREAM)
    return len(accounts)
