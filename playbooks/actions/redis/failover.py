"""`redis.failover`: a replica becomes the primary."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.durations import Length
from playbooks.actions.fences import Fence, alive, on_word
from playbooks.connectors.answers import Alive, ServiceRefused
from playbooks.connectors.redis import Info, Redis, RedisReads, Replica
from playbooks.errors import Refused, Temporary
from playbooks.secrets import SecretRef

SETTLED_S = 15.0
CAN_HAND_OVER = (6, 2)


class FailedOver(Outputs):
    """How the replica was made the primary."""

    way: Literal["handover", "alone"] = Field(description="Handed over by its primary, or made one without it")
    link_down_s: int = Field(description="How long it had not heard its primary, in seconds")


class Way(BaseModel):
    """How it can be done now. to: the replica as its primary sees it, for a handover."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    replica: Info
    to: Replica | None
    fence: Fence


@action("redis.failover", risk=Risk.IRREVERSIBLE, again=Again.NEVER, result=FailedOver,
        needs=("redis:FAILOVER", "redis:REPLICAOF", "redis:INFO"))  # fmt: skip
class Failover(Action):
    """Fail a Redis over to its replica

    Example: {uses: redis.failover, with: {replica: "env://SHOP_REPLICA_URL", primary: "env://SHOP_REDIS_URL"}}

    A primary that answers (6.2 or later) hands over and loses nothing. One that does not answer is left behind: that
    takes `word`, what two people said of it. One that answers, accepts writes and cannot hand over is refused: fence it
    first.
    """

    replica: SecretRef = Field(description="Reference to the replica's address")
    primary: SecretRef | None = Field(default=None, description="Reference to the primary's address")
    word: str = Field(default="", description="People's word that the primary cannot accept writes", max_length=500)
    patience: Length = Field(default=timedelta(seconds=20), description="How long a primary waits for the replica")

    why_no_undo = "Going back is the same action the other way round, once the old primary is its replica."
    verify_within_s = 90.0

    async def plan(self, world: World) -> Plan:
        """Says which way, and what is lost."""
        way = await self._way(world)
        targets = tuple(f"redis:{one}" for one in (self.replica, self.primary) if one is not None)
        if way.to is not None:
            return Plan(
                targets=targets,
                effect=f"Let the Redis at {self.primary} hand over to its replica at {self.replica} (FAILOVER)",
                warnings=("Writes wait for some seconds; clients must find the new primary.",),
                data_loss_s=0, data_loss="0 s (the primary waits for the replica)",
                undo="Fail over the other way round.",
            )  # fmt: skip
        return Plan(
            targets=targets,
            effect=f"Make the replica at {self.replica} a primary of its own (REPLICAOF NO ONE); {way.fence.said}",
            warnings=(
                "What the old primary accepted since is lost; clients must find the new one.",
                *way.fence.warnings,
            ),
            data_loss_s=way.replica.link_down_s,
            data_loss=f"what the primary accepted since the link broke, {way.replica.link_down_s} s ago",
            undo="None. The old primary must be made a replica.",
        )

    async def run(self, act: Act) -> FailedOver:
        """Do it the way that is possible now. Looks once more first."""
        way = await self._way(act)
        if way.to is not None and self.primary is not None:
            await act.use(Redis).failover(self.primary, way.to.ip, way.to.port, self.patience.total_seconds())
            return FailedOver(way="handover", link_down_s=0)
        await act.use(Redis).promote(self.replica)
        return FailedOver(way="alone", link_down_s=way.replica.link_down_s)

    async def verify(self, world: World, done: FailedOver) -> Seen:
        """The replica is a primary; after a handover the old one is its replica."""
        reads = world.use(RedisReads)
        seen = await reads.info(self.replica)
        if done.way == "alone" or self.primary is None:
            return Seen(ok=True if seen.primary else None, text=f"{self.replica} is a {seen.role}", again_in=1.0)
        old = await reads.info(self.primary)
        if seen.primary and not old.primary:
            return Seen(ok=True, text=f"{self.replica} is the primary, {self.primary} its replica")
        if old.primary and not seen.primary and old.failing_over == "no-failover":
            return Seen(ok=False, text=f"{self.primary} gave up: the replica did not catch up in time")
        return Seen(ok=None, text=f"handing over: {old.failing_over}", again_in=1.0)

    async def reconcile(self, world: World) -> Found:
        """Roles decide; while a handover is under way nobody can tell."""
        reads = world.use(RedisReads)
        seen = await reads.info(self.replica)
        if seen.primary:
            done = FailedOver(way="alone", link_down_s=0)
            return Found(True, f"{self.replica} is a primary; it was a replica before.", done)
        state = await self._handing_over(reads)
        waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
        said = f"{self.replica} is still a replica {waited:.0f} s after the start{f'; {state}' if state else ''}"
        return Found(None if state or waited < SETTLED_S else False, f"{said}.")

    async def _handing_over(self, reads: RedisReads) -> str:
        """What the primary is doing, "" where it is doing nothing or is away."""
        if self.primary is None:
            return ""
        try:
            state = (await reads.info(self.primary)).failing_over
        except (Temporary, Refused):
            return ""
        return "" if state in ("", "no-failover") else f"its primary says {state}"

    async def _way(self, world: World) -> Way:
        reads = world.use(RedisReads)
        seen = await reads.info(self.replica)
        if seen.primary:
            raise Refused(f"{self.replica} is a primary already.", todo="There is nothing to fail over.")
        if self.primary is None:
            return Way(replica=seen, to=None, fence=self._unseen(seen, "is not named"))
        try:
            old = await reads.info(self.primary)
        except Alive:
            raise alive(self.primary, "answers but lets nobody look, so it may accept writes") from None
        except Temporary:
            return Way(replica=seen, to=None, fence=self._unseen(seen, "does not answer"))
        except ServiceRefused as error:
            if error.code == "url":
                raise
            return Way(replica=seen, to=None, fence=self._unseen(seen, "does not let Muster in"))
        if old.run_id == seen.run_id:
            raise Refused(f"{self.primary} and {self.replica} are one and the same server.", todo="Name both.")
        if not old.primary:
            return Way(replica=seen, to=None, fence=Fence("the old primary is a replica now"))
        return Way(replica=seen, to=self._seen_by(old, seen), fence=Fence(""))

    def _unseen(self, seen: Info, why: str) -> Fence:
        """Not even people's word counts against a primary that the replica hears."""
        if seen.linked:
            raise alive(f"the other end of {self.replica}", "is heard by this replica: it lives")
        return on_word(self.word, why)

    def _seen_by(self, old: Info, seen: Info) -> Replica:
        """The replica as its primary names it. Refused when it cannot hand over: it answers, so it accepts writes."""
        if tuple(int(part) for part in old.version.split(".")[:2]) < CAN_HAND_OVER:
            raise alive(self.primary, f"answers and accepts writes, and Redis {old.version} cannot hand over (6.2 can)")
        fits = [one for one in old.replicas if one.state == "online" and one.port == seen.port]
        if len(fits) != 1:
            count = "none" if not fits else str(len(fits))
            raise alive(
                self.primary, f"answers and accepts writes, and {count} of its replicas can be told to be that one"
            )
        return fits[0]

    def say(self, done: FailedOver) -> str:
        """Told to hand over."""
        if done.way == "handover":
            return f"{self.primary} told to hand over to {self.replica}"
        return f"{self.replica} made a primary of its own"
