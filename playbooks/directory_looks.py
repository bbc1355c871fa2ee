"""Looking outside for the directory: bounded, each source failing alone, no row touched.

Belongs here: asking the ports until a deadline and putting failures in words. Does not belong here: what an answer
means and writing it down (directory.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from typing import Any, TypeVar

from playbooks.directory_ports import OnCallEntry, PagerDutyAccount, PagerDutyPort, SlackAccount, SlackPort
from playbooks.errors import MusterError, NotConfigured
from playbooks.policy_sections import Group

T = TypeVar("T")
AT_ONCE = 8


class Failed(str):
    """Why there is no answer, in words."""


class Looks:
    """The two ports and how long all asking of one refresh may take."""

    def __init__(self, slack: SlackPort | None, pagerduty: PagerDutyPort | None, bound_s: float) -> None:
        self._slack = slack
        self._pagerduty = pagerduty
        self._bound_s = bound_s

    def deadline(self) -> float:
        """When everything asked from now on must have answered, on the event loop's clock."""
        return asyncio.get_running_loop().time() + self._bound_s

    async def user(self, id: str, deadline: float) -> SlackAccount | Failed:
        """One Slack account."""
        return await within(deadline, self._user(id))

    async def users(self, ids: Sequence[str], deadline: float) -> dict[str, SlackAccount]:
        """Several Slack accounts, a few at once; those that do not answer in time are left out."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(id: str) -> SlackAccount:
            async with gate:
                return await self._user(id)

        found = await asyncio.gather(*(within(deadline, look(id)) for id in ids))
        return {id: user for id, user in zip(ids, found, strict=True) if not isinstance(user, Failed)}

    async def sources(self, group: Group, deadline: float) -> dict[str, Sequence[Any] | Failed]:
        """Every outside source of a group at once: "slack:sre" -> ids, "pagerduty:..." -> users, or why not."""
        asks: dict[str, Coroutine[Any, Any, Sequence[Any]]] = {}
        if group.slack:
            asks[f"slack:{group.slack.removeprefix('@')}"] = self._usergroup(group.slack)
        schedule, policy = group.pagerduty_schedule, group.pagerduty_escalation_policy
        if schedule or policy:
            asks[f"pagerduty:{schedule or ''}/{policy or ''}"] = self._on_call_now(schedule, policy)
        answers = await asyncio.gather(*(within(deadline, ask) for ask in asks.values()))
        return dict(zip(asks, answers, strict=True))

    async def changed_by(self, group: Group, deadline: float) -> str | None:
        """Slack id of who changed the group's user group last; None also when there is no answer."""
        if not group.slack or self._slack is None:
            return None
        found = await within(deadline, self._slack.usergroup_changed_by(group.slack))
        return None if isinstance(found, Failed) else found

    async def everybody(self, deadline: float) -> Sequence[OnCallEntry] | Failed:
        """Everybody on call now, for any escalation policy."""
        return await within(deadline, self._entries())

    async def entries(self, policy: str, deadline: float) -> Sequence[OnCallEntry] | Failed:
        """Who is on call for an escalation policy, by name or id."""
        found = await self.everybody(deadline)
        return found if isinstance(found, Failed) else [e for e in found if policy in (e.policy, e.policy_id)]

    async def by_email(self, email: str, deadline: float) -> PagerDutyAccount | None:
        """The PagerDuty user with this address; None also when there is no answer."""
        if self._pagerduty is None:
            return None
        found = await within(deadline, self._pagerduty.user_by_email(email))
        return None if isinstance(found, Failed) else found

    async def _user(self, id: str) -> SlackAccount:
        return await self._ask_slack().user(id)

    def _ask_slack(self) -> SlackPort:
        if self._slack is None:
            raise NotConfigured("Slack is not configured here.")
        return self._slack

    async def _usergroup(self, handle: str) -> Sequence[str]:
        return await self._ask_slack().usergroup_members(handle)

    async def _entries(self) -> Sequence[OnCallEntry]:
        if self._pagerduty is None:
            raise NotConfigured("PagerDuty is not configured here.")
        return await self._pagerduty.oncalls()

    async def _on_call_now(self, schedule: str | None, policy: str | None) -> Sequence[PagerDutyAccount]:
        return [
            entry.user
            for entry in await self._entries()
            if (schedule and entry.schedule == schedule) or (policy and policy in (entry.policy, entry.policy_id))
        ]


async def within(deadline: float, ask: Coroutine[Any, Any, T]) -> T | Failed:
    """The answer, or in words why there is none."""
    try:
        async with asyncio.timeout_at(deadline):
            return await ask
    except TimeoutError:
        return Failed("There was no answer in time.")
    except (MusterError, OSError) as error:
        return Failed(str(error) or type(error).__name__)


def failures(answers: dict[str, Sequence[Any] | Failed]) -> dict[str, str]:
    """The sources that did not answer, with why."""
    return {source: str(found) for source, found in answers.items() if isinstance(found, Failed)}


def answered(answers: dict[str, Sequence[Any] | Failed]) -> dict[str, Collection[Any]]:
    """The sources that did, with what they said."""
    return {source: found for source, found in answers.items() if not isinstance(found, Failed)}
