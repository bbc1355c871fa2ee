"""`redis.ping`: does a Redis answer?"""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.probes import Probe
from playbooks.connectors.redis import RedisReads
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef


class Ponged(Outputs):
    """An answer."""

    latency_ms: float = Field(description="How long it took, in milliseconds")


@action("redis.ping", risk=Risk.READ, again=Again.SAFE, needs=("redis:PING",), result=Ponged)
class Ping(Probe):
    """Ask a Redis whether it is there

    Example: {uses: redis.ping, with: {url: "env://CHECKOUT_REDIS_URL", within: 1m}}
    """

    url: SecretRef = Field(description="Reference to the Redis' address")
    slower_than_ms: float = Field(default=1000.0, gt=0, description="An answer slower than that is none")

    async def look(self, world: World) -> Ponged:
        """Ask once."""
        try:
            took = await world.use(RedisReads).ping(self.url)
        except Temporary as error:
            if not self.within:
                raise
            raise self.missing(error.message) from None
        if took > self.slower_than_ms:
            raise self.missing(f"{self.url} took {took:g} ms to answer.", todo="redis.info says how busy it is.")
        return Ponged(latency_ms=took)

    def wanted(self) -> str:
        """What must be."""
        return f"{self.url} must answer in {self.slower_than_ms:g} ms"

    def say(self, done: Ponged) -> str:
        """Answered in 0.4 ms."""
        return f"answered in {done.latency_ms:g} ms"
