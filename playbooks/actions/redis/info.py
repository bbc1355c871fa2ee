"""`redis.info`: memory, clients, keys and replication of a Redis."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.probes import Probe
from playbooks.connectors.redis import RedisReads
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef


class ReplicaSeen(BaseModel):
    """A replica as its primary sees it. behind: bytes."""

    model_config = ConfigDict(frozen=True)
    state: str
    behind: int


class RedisInfo(Outputs):
    """A server as it says it is."""

    version: str = Field(description="Version of the server")
    role: str = Field(description='"primary" or "replica"')
    keys: int = Field(description="Keys of all databases")
    databases: dict[str, int] = Field(description="Keys of each database")
    memory: int = Field(description="Bytes used")
    memory_percent: int | None = Field(description="Of the memory it may use; null where there is no limit")
    clients: int = Field(description="Connected clients")
    evicted: int = Field(description="Keys thrown out for want of memory since it started")
    saved: bool = Field(description="Whether its last save to disk went well (also where it saves nothing)")
    replicas: tuple[ReplicaSeen, ...] = Field(description="Replicas, of a primary")
    linked: bool = Field(description="Whether a replica hears its primary")
    link_down_s: int = Field(description="How long it has not, in seconds")


@action("redis.info", risk=Risk.READ, again=Again.SAFE, needs=("redis:INFO",), result=RedisInfo)
class Look(Probe):
    """Look at a Redis

    Example: {uses: redis.info, with: {url: "env://CHECKOUT_REDIS_URL", expect: primary, memory_below: 90}}
    """

    url: SecretRef = Field(description="Reference to the Redis' address")
    expect: Literal["any", "primary", "replica"] = Field(default="any", description="What it must be")
    memory_below: int = Field(default=100, ge=1, le=100, description="Percent of its memory that may be used")

    async def look(self, world: World) -> RedisInfo:
        """Ask once."""
        try:
            seen = await world.use(RedisReads).info(self.url)
        except Temporary as error:
            if not self.within:
                raise
            raise self.missing(error.message) from None
        role = "primary" if seen.primary else "replica"
        percent = round(100 * seen.used / seen.most) if seen.most else None
        if self.expect not in ("any", role):
            raise self.missing(f"{self.url} is a {role}, not a {self.expect}.")
        if percent is not None and percent > self.memory_below:
            raise self.missing(f"{self.url} uses {percent} % of its memory.", todo="redis.count_keys says by what.")
        return RedisInfo(
            version=seen.version, role=role, keys=seen.keys, databases=dict(seen.databases), memory=seen.used,
            memory_percent=percent, clients=seen.clients, evicted=seen.evicted, saved=seen.saved,
            replicas=tuple(ReplicaSeen(state=one.state, behind=one.behind) for one in seen.replicas),
            linked=seen.linked, link_down_s=seen.link_down_s,
        )  # fmt: skip

    def wanted(self) -> str:
        """What must be."""
        return f"{self.url} must " + ("answer" if self.expect == "any" else f"be a {self.expect}")

    def say(self, done: RedisInfo) -> str:
        """Redis 6.2.14, primary, 35 keys, 1,048,576 bytes, 2 clients."""
        full = f" ({done.memory_percent} % of what it may use)" if done.memory_percent is not None else ""
        link = "" if done.role == "primary" else ", linked" if done.linked else f", alone for {done.link_down_s} s"
        copies = f", {len(done.replicas)} replicas" if done.replicas else ""
        size = f"{done.keys:,} keys, {done.memory:,} bytes{full}"
        return f"Redis {done.version}, {done.role}{link}{copies}, {size}, {done.clients} clients"
