"""`redis.flush`: every key of a Redis is deleted."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.redis import Info, Redis, RedisReads
from playbooks.errors import Refused
from playbooks.secrets import SecretRef


class Flushed(Outputs):
    """What was deleted."""

    keys: int = Field(description="Keys that were there just before")
    key: str = Field(description="Key of the step, under which it left its trace")


@action("redis.flush", risk=Risk.IRREVERSIBLE, again=Again.NEVER, result=Flushed,
        needs=("redis:FLUSHALL", "redis:INFO", "redis:SET"))  # fmt: skip
class Flush(Action):
    """Delete every key of a Redis

    Example: {uses: redis.flush, with: {url: "env://CHECKOUT_REDIS_URL"}}

    FLUSHALL, of all its databases, with a trace of one key that says so for a day. Where sessions live in it, everybody
    is logged out. Refuses a replica, a node of a cluster (the others would keep theirs) and one that is empty already.
    """

    url: SecretRef = Field(description="Reference to the Redis' address")

    why_no_undo = "Deleted keys are gone, also from its saves to disk; caches fill again, people sign in again."
    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says how many keys go now; that number is a note, since it changes all the time."""
        seen = await self._check(world)
        each = ", ".join(f"{name} {keys:,}" for name, keys in seen.databases.items())
        return Plan(
            targets=(f"redis:{self.url}",),
            effect=f"Delete every key of every database of the Redis at {self.url} (FLUSHALL)",
            warnings=("All users are logged out where sessions live in it.",
                      "Whatever is cached is asked of the databases behind it, all at once."),
            notes=(f"{seen.keys:,} keys now ({each}).",),
            data_loss=f"all {seen.keys:,} keys that are there now",
            undo="None. Caches fill again by themselves; people sign in again.",
        )  # fmt: skip

    async def run(self, act: Act) -> Flushed:
        """Delete them. Looks once more first."""
        seen = await self._check(act)
        await act.use(Redis).flush(self.url, act.key)
        return Flushed(keys=seen.keys, key=act.key)

    async def verify(self, world: World, done: Flushed) -> Seen:
        """Its trace is there, which is written in the same moment."""
        reads = world.use(RedisReads)
        keys = (await reads.info(self.url)).keys
        if await reads.flushed(self.url, done.key):
            return Seen(ok=True, text=f"{done.keys:,} keys deleted, {keys:,} there now", facts={"keys": keys})
        return Seen(ok=None, text=f"no trace of it; {keys:,} keys there now", again_in=1.0)

    async def reconcile(self, world: World) -> Found:
        """Its trace, or an empty Redis, shows that it happened; keys without a trace, that it did not."""
        reads = world.use(RedisReads)
        traced = await reads.flushed(self.url, world.key)
        keys = (await reads.info(self.url)).keys
        done = Flushed(keys=0, key=world.key)
        if traced:
            return Found(True, f"It left its trace; {keys:,} keys there now.", done)
        if keys == 0:
            return Found(True, "There is no key at all.", done)
        return Found(False, f"It left no trace, and {keys:,} keys are there.")

    async def _check(self, world: World) -> Info:
        seen = await world.use(RedisReads).info(self.url)
        if not seen.primary:
            raise Refused(f"{self.url} is a replica: it cannot be flushed.", todo="Name its primary.")
        if seen.cluster:
            raise Refused(f"{self.url} is one node of a cluster; the others would keep their keys.",
                          todo="Flush each primary by hand, or restart the cluster.")  # fmt: skip
        if seen.keys == 0:
            raise Refused(f"{self.url} holds no key already.", todo="There is nothing to flush.")
        return seen

    def say(self, done: Flushed) -> str:
        """35 keys deleted."""
        return f"{done.keys:,} keys deleted"
