"""Where heads of the timeline are anchored: the `anchors` section.

Belongs here: its typed shape. Does not belong here: anchoring (commands/timers/anchor.py, playbooks/actions/record).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from playbooks.durations import Duration
from playbooks.policy_sections import Section

SHORTEST = timedelta(seconds=10)


class S3Place(Section):
    """A bucket with object lock. retain: how long nobody can remove an anchor; compliance: not even the account's
    owner."""

    bucket: str = Field(min_length=3, max_length=63)
    prefix: str = "muster/"
    retain: Duration = timedelta(days=730)
    mode: Literal["compliance", "governance"] = "compliance"


class Anchors(Section):
    """Places outside the database. every: how often heads that moved are anchored; org: the same for the stream of
    everything that belongs to no incident. slack: a channel; file: a path, JSON Lines, appended to."""

    every: Duration = timedelta(minutes=5)
    org: Duration = timedelta(days=1)
    slack: str | None = None
    file: str | None = None
    s3: S3Place | None = None

    @field_validator("every", "org")
    @classmethod
    def _not_at_once(cls, value: timedelta) -> timedelta:
        if value < SHORTEST:
            raise ValueError("is too often: at least 10s")
        return value

    @property
    def places(self) -> tuple[str, ...]:
        """The places there are, by name: slack, file, s3."""
        return tuple(name for name in ("slack", "file", "s3") if getattr(self, name))
