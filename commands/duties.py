"""Who is on duty now, where a permission hangs on it: PagerDuty does not say when a rota changes, so it is asked.

Belongs here: when a belief about such a group is too old to permit or refuse by. Does not belong here: the decision
itself (dispatch.py), asking (playbooks/directory.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

from commands.command import Command
from commands.house import House
from playbooks.policy import Policy
from storage import people
from storage.db import Tx

GOOD_FOR = timedelta(minutes=5)
AGAIN_S = 60.0  # how soon one that could not be looked at is tried again: nobody waits for a silent PagerDuty each time


class Duties:
    """Looks at groups whose members take turns. One per process."""

    def __init__(self) -> None:
        self._tried: dict[str, float] = {}

    async def look(self, house: House, cls: type[Command]) -> None:
        """Look at the groups that may ask for this command, or see private incidents, and whose members take turns.

        At most once in five minutes each; when PagerDuty does not answer, what was known last counts, as for votes.
        """
        await self._look(house, _groups(house.policy, cls))

    async def look_private(self, house: House) -> None:
        """The same for who may see private incidents alone: a page shows what somebody may see, whatever is asked."""
        await self._look(house, _turning(house.policy, house.policy.permissions.see_private))

    async def _look(self, house: House, groups: list[str]) -> None:
        now = time.monotonic()
        wanted = [one for one in groups if now - self._tried.get(one, -AGAIN_S) >= AGAIN_S]
        if not wanted:
            return

        def stale(tx: Tx) -> list[str]:
            seen = {name: people.refreshed_at(tx, f"group:{name}") for name in wanted}
            return [name for name, at in seen.items() if at is None or tx.now - at > GOOD_FOR]

        if old := await house.db.read(stale):
            self._tried |= dict.fromkeys(old, now)
            await house.directory.refresh_groups(house.policy, old)


def _groups(policy: Policy, cls: type[Command]) -> list[str]:
    named = getattr(policy.permissions, cls.who, ()) if cls.who not in ("anyone", "everyone") else ()
    private = policy.permissions.see_private if cls.place != "nowhere" else ()
    return _turning(policy, [*named, *private])


def _turning(policy: Policy, names: Iterable[str]) -> list[str]:
    """Those of these groups whose members take turns."""
    groups = [policy.groups[name] for name in dict.fromkeys(names) if name in policy.groups]
    return [one.name for one in groups if one.pagerduty_schedule or one.pagerduty_escalation_policy]
