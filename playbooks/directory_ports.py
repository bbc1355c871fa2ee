"""What the directory asks of the outside: small shapes that the connectors' classes fit without knowing of them.

Belongs here: protocols only. Does not belong here: any call (connectors), what an answer means (directory.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SlackAccount(Protocol):
    """What is read of a Slack user (contract A13)."""

    @property
    def team_id(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def real_name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def deleted(self) -> bool: ...
    @property
    def is_bot(self) -> bool: ...
    @property
    def is_guest(self) -> bool: ...
    @property
    def is_stranger(self) -> bool: ...
    @property
    def enterprise_id(self) -> str: ...


class PagerDutyAccount(Protocol):
    """What is read of a PagerDuty user; e-mail may be "" in a reference."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...


class OnCallEntry(Protocol):
    """One on-call entry: who, for which escalation policy (id and name) and schedule (name), at which level, until
    when (ISO 8601; "": no end)."""

    @property
    def user(self) -> PagerDutyAccount: ...
    @property
    def policy_id(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def schedule(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def end(self) -> str: ...


class SlackPort(Protocol):
    """What the directory asks of Slack. All raise MusterErrors."""

    async def user(self, user_id: str) -> SlackAccount:
        """An account with its flags."""

    async def usergroup_members(self, group: str) -> Sequence[str]:
        """User ids of a group, by id or handle."""

    async def usergroup_changed_by(self, group: str) -> str | None:
        """User id of who changed the group last, just after its members were asked for."""


class PagerDutyPort(Protocol):
    """What the directory asks of PagerDuty. Both raise MusterErrors."""

    async def oncalls(self) -> Sequence[OnCallEntry]:
        """Everybody on call now."""

    async def user_by_email(self, email: str) -> PagerDutyAccount | None:
        """The user with exactly this address."""
