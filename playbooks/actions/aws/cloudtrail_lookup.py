"""`aws.cloudtrail_lookup`: what was done with an access key, and from where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pydantic import Field, field_validator

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.aws import AwsReads
from playbooks.connectors.aws_cloudtrail import TrailEvent

KEPT_DAYS = 90


class Used(Outputs):
    """What the key did, as far as CloudTrail knows by now."""

    key: str = Field(description="The access key")
    total: int = Field(description="How many calls were seen, at most `limit` per region")
    more: bool = Field(description="Whether there were more than that")
    first_at: datetime | None = Field(description="The earliest seen (UTC)")
    last_at: datetime | None = Field(description="The latest seen (UTC)")
    calls: dict[str, int] = Field(description="Call -> how often, the most frequent 30")
    addresses: dict[str, int] = Field(description="Where from -> how often, the most frequent 30")
    errors: dict[str, int] = Field(description="AWS's error codes -> how often: what was tried and refused")
    newest: list[str] = Field(description="The newest calls in words, at most 20")


@action("aws.cloudtrail_lookup", risk=Risk.READ, again=Again.SAFE, needs=("cloudtrail:LookupEvents",), result=Used)
class CloudtrailLookup(Action):
    """Look up what was done with an access key

    Example: {uses: aws.cloudtrail_lookup, with: {key: AKIAIOSFODNN7EXAMPLE, window: 7d, regions: [eu-north-1, us-east-1]}}

    Asks CloudTrail in each region (IAM and other global services are kept in us-east-1). It knows 90 days of management
    events: reading objects, rows and messages is not among them, and a call may be missing for its first quarter of an
    hour. So nothing found is no proof that nothing was done.
    """  # noqa: E501

    key: str = Field(description="Id of the access key", pattern=r"^[A-Z0-9]{16,128}$")
    window: Length = Field(default=timedelta(days=7), description="How far back from `until`; at most 90 days")
    until: datetime | None = Field(default=None, description="The end; none: now")
    regions: list[str] = Field(default=[], description="Which; none: the site's and us-east-1", max_length=20)
    limit: int = Field(default=200, description="Most calls per region", ge=1, le=500)

    timeout_s = 120.0

    @field_validator("until")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone: 2026-11-22T08:00Z")
        return value

    async def plan(self, world: World) -> Plan:
        """Says what is asked; looking it up takes a while, so a dry run does not."""
        where = ", ".join(self.regions) or "the site's region and us-east-1"
        return Plan(effect=f"Look up in CloudTrail what was done with {self.key} in {where}")

    async def look(self, world: World) -> Used:
        """One region after the other."""
        until = self.until or world.now
        since = until - min(self.window, timedelta(days=KEPT_DAYS))
        found: dict[str, TrailEvent] = {}
        more = False
        for region in dict.fromkeys(self.regions or ["", "us-east-1"]):
            seen, cut = await world.use(AwsReads).at(region).trail_of_key(self.key, since, until, self.limit)
            found |= {one.id: one for one in seen}  # a call to a global service may be listed twice
            more = more or cut
        events = sorted(found.values(), key=lambda one: one.at, reverse=True)
        return Used(
            key=self.key, total=len(events), more=more,
            first_at=events[-1].at.astimezone(UTC) if events else None,
            last_at=events[0].at.astimezone(UTC) if events else None,
            calls=_most(one.call for one in events), addresses=_most(one.address for one in events),
            errors=_most(one.error for one in events if one.error), newest=[_words(one) for one in events[:20]],
        )  # fmt: skip

    def say(self, done: Used) -> str:
        """4 calls from 2 addresses, the last at ..."""
        if not done.total:
            return f"{done.key}: CloudTrail shows no call (the last quarter of an hour may be missing)"
        many = f"{'more than ' if done.more else ''}{done.total}"
        where = f"{len(done.addresses)} address{'es' if len(done.addresses) > 1 else ''}"
        return f"{done.key}: {many} calls from {where}, the last {done.last_at:%d %b %H:%M:%S} UTC"


def _most(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common(30))


def _words(one: TrailEvent) -> str:
    failed = f" ({one.error})" if one.error else ""
    return f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {one.call}{failed} in {one.region} from {one.address}"
