"""`redis.count_keys`: how many keys fit a pattern?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.redis import RedisReads
from playbooks.errors import Refused
from playbooks.secrets import SecretRef


class KeysCounted(Outputs):
    """What was counted."""

    count: int = Field(description="Keys that fit the pattern, of those looked at")
    total: int = Field(description="Keys of the database")
    whole: bool = Field(description="Whether all of them were looked at")


@action("redis.count_keys", risk=Risk.READ, again=Again.SAFE, needs=("redis:SCAN", "redis:DBSIZE"), result=KeysCounted)
class CountKeys(Action):
    """Count keys of a Redis

    Example: {uses: redis.count_keys, with: {url: "env://CHECKOUT_REDIS_URL", pattern: "session:*"}}

    Looks at keys in small portions, so that nobody waits; stops after `limit` or `most` keys and says so.
    """

    url: SecretRef = Field(description="Reference to the Redis' address, with its database")
    pattern: str = Field(default="*", description='Glob pattern ("session:*")', min_length=1, max_length=200)
    most: int = Field(default=1_000_000, ge=1, description="How many keys to look at")
    limit: Length = Field(default=timedelta(seconds=20), description="How long to look (20s or seconds)")
    at_least: int = Field(default=0, ge=0, description="How many there must be")

    timeout_s = 300.0

    async def look(self, world: World) -> KeysCounted:
        """Count once. Refused when there are fewer than there must be."""
        within = min(self.limit.total_seconds(), 240.0)
        seen = await world.use(RedisReads).count(self.url, self.pattern, most=self.most, within=within)
        if seen.matching < self.at_least and seen.whole:
            raise Refused(
                f"{self.url} holds {seen.matching:,} keys like {self.pattern}; {self.at_least:,} must be there."
            )
        return KeysCounted(count=seen.matching, total=seen.total, whole=seen.whole)

    def say(self, done: KeysCounted) -> str:
        """25 keys like session:* of 35."""
        part = "" if done.whole else ", not all of them looked at"
        return f"{done.count:,} keys like {self.pattern} of {done.total:,}{part}"
