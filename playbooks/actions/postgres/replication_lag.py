"""`postgres.replication_lag`: what would be lost if the primary were gone now?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.actions.probes import Probe
from playbooks.connectors.postgres import PostgresReads
from playbooks.durations import words
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef


class Behind(BaseModel):
    """One standby and what it lacks."""

    model_config = ConfigDict(frozen=True)
    name: str
    state: str
    sync: str
    lag_s: float
    lag_bytes: int | None


class Lag(Outputs):
    """What the best standby lacks, at most."""

    role: str = Field(description='Who was asked: "primary" or "standby"')
    lag_s: float | None = Field(description="Seconds the best standby is behind, at most; None when nobody can know")
    lag_bytes: int | None = Field(description="Bytes of log it lacks; None when nobody can know")
    standbys: tuple[Behind, ...] = Field(description="Each standby, as the primary sees it")
    streaming: bool = Field(description="Whether it receives now")


@action("postgres.replication_lag", risk=Risk.READ, again=Again.SAFE, result=Lag,
        needs=("postgres:CONNECT", "postgres:pg_read_all_stats"))  # fmt: skip
class ReplicationLag(Probe):
    """Measure how far the standby is behind

    Example: {uses: postgres.replication_lag, with: {dsn: "env://CHECKOUT_SECONDARY_DSN", most: 15m}}

    On a primary, per standby. On a standby, by itself: where its primary is gone, the age of the newest transaction it
    has is the most that it can lack. With `primary`, bytes are counted against what the primary has written by now.
    A primary without standbys is refused where a bound is given; the synchronous one of RDS Multi-AZ is never seen.
    """

    dsn: SecretRef = Field(description="Reference to the address of the standby, or of the primary")
    primary: SecretRef | None = Field(
        default=None, description="The primary, where `dsn` is a standby and it can be asked"
    )
    most: Length | None = Field(default=None, description="How far behind it may be (15m, 30s or seconds)")
    most_bytes: int | None = Field(default=None, ge=0, description="How many bytes of log it may lack")

    async def look(self, world: World) -> Lag:
        """Ask once. More than allowed is not yet (or no, when there is no time given)."""
        try:
            lag = await self._lag(world.use(PostgresReads))
        except Temporary as error:
            if not self.within:
                raise
            raise self.missing(error.message) from None
        if problem := self._problem(lag):
            raise self.missing(f"{self.dsn}: {problem}.", todo="Wait for it, or decide that this may be lost.")
        return lag

    async def _lag(self, reads: PostgresReads) -> Lag:
        if not (await reads.server(self.dsn)).standby:
            found = [
                Behind(name=x.name, state=x.state, sync=x.sync, lag_s=round(x.lag_s, 3), lag_bytes=x.lag_bytes)
                for x in await reads.followers(self.dsn)
            ]
            known = (one for one in found if one.lag_bytes is not None)
            best = min(known, key=lambda one: one.lag_bytes or 0, default=None)
            return Lag(role="primary", lag_s=best.lag_s if best else None, lag_bytes=best.lag_bytes if best else None,
                       standbys=tuple(found), streaming=any(one.state == "streaming" for one in found))  # fmt: skip
        seen = await reads.standby(self.dsn)
        behind = await reads.bytes_behind(self.primary, seen.replayed) if self.primary else seen.lag_bytes
        seconds = None if seen.lag_s is None else round(seen.lag_s, 3)
        return Lag(role="standby", lag_s=seconds, lag_bytes=None if behind is None else max(0, behind), standbys=(),
                   streaming=seen.streaming)  # fmt: skip

    def _problem(self, lag: Lag) -> str:
        if lag.role == "primary" and not lag.standbys:
            return "" if self.most is None and self.most_bytes is None else "no standby is connected to it"
        if self.most is not None and (lag.lag_s is None or lag.lag_s > self.most.total_seconds()):
            return f"{_seconds(lag.lag_s)} behind, {words(self.most)} are allowed"
        if self.most_bytes is not None and (lag.lag_bytes is None or lag.lag_bytes > self.most_bytes):
            return f"{_bytes(lag.lag_bytes)} of log behind, {self.most_bytes} are allowed"
        return ""

    def wanted(self) -> str:
        """What must be."""
        if self.most is None:
            return f"Measure how far {self.dsn} is behind"
        return f"{self.dsn} must be at most {words(self.most)} behind"

    async def plan(self, world: World) -> Plan:
        """With the number that decides, where it is known."""
        plan = await super().plan(world)
        if plan.outputs is None or plan.outputs["lag_s"] is None:
            return plan
        seconds = float(plan.outputs["lag_s"])
        said = f"at most {_seconds(seconds)} ({_bytes(plan.outputs['lag_bytes'])} of log)"
        return plan.model_copy(update={"data_loss_s": round(seconds), "data_loss": said})

    def say(self, done: Lag) -> str:
        """0.2 s, 0 bytes behind."""
        if done.role == "primary" and not done.standbys:
            return "no standby is connected to it (that of RDS Multi-AZ is never shown)"
        return (
            f"{_seconds(done.lag_s)}, {_bytes(done.lag_bytes)} behind{'' if done.streaming else ', receiving nothing'}"
        )


def _seconds(value: float | None) -> str:
    if value is None:
        return "an unknown time"
    return words(timedelta(seconds=round(value))) if value >= 60 else f"{value:g} s"


def _bytes(value: int | None) -> str:
    return "an unknown number of bytes" if value is None else f"{value:,} bytes"
