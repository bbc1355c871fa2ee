"""`postgres.marker_read`: the newest marker that is there, and so how much was lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.actions.probes import Probe
from playbooks.connectors.postgres import PostgresReads
from playbooks.durations import words
from playbooks.errors import Temporary
from playbooks.secrets import SecretRef


class Measured(Outputs):
    """What is there of what was written."""

    marker: str = Field(description="Id of the newest marker that is there")
    found_at: datetime = Field(description="When that was written (UTC)")
    same: bool = Field(description="Whether it is the marker that was asked for")
    rpo_s: float = Field(description="Seconds of writes that are missing: the marker asked for less the newest found")
    met: bool | None = Field(description="Whether that is within `most`; null without one")
    lag_s: float | None = Field(default=None, description="Seconds from its writing until it was seen here")


@action("postgres.marker_read", risk=Risk.READ, again=Again.SAFE, needs=("postgres:SELECT",), result=Measured)
class MarkerRead(Probe):
    """Measure what was lost by the newest marker

    Example: {uses: postgres.marker_read, with: {dsn: "env://STANDBY_DSN", written_at: "2026-11-22T08:00:00Z"}}

    Compares the time of the newest marker with `written_at`, when the last one was written to the old primary; later
    ones are the new primary's own and prove nothing. Without it, the newest is compared with now. `most` only says
    whether the objective was met: what is lost stays lost, and the run goes on. With `until: arrived` it is waited for
    at a replica that follows, up to `within`: `lag_s` is what replication took, as far as the clocks agree.
    """

    dsn: SecretRef = Field(description="Reference to the database's address, such as the new primary's")
    written_at: datetime | None = Field(default=None, description="When the last marker was written (its output)")
    most: Length | None = Field(default=None, description="The RPO (15m, 30s or seconds)")

    until: Literal["found", "arrived"] = Field(
        default="found", description="What to wait for: any marker, or the one written at `written_at`"
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.until == "arrived" and (self.written_at is None or not self.within):
            raise ValueError("until: arrived needs written_at, and within: how long to wait for it")
        return self

    @field_validator("written_at")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone: 2026-11-22T08:00Z")
        return value

    async def look(self, world: World) -> Measured:
        """Read it back."""
        try:
            newest = await world.use(PostgresReads).newest_marker(self.dsn, until=self.written_at)
        except Temporary as error:
            if not self.within:
                raise
            raise self.missing(error.message) from None
        if newest is None:
            raise self.missing(f"{self.dsn} holds no marker.", todo="Write one on the primary (postgres.marker_write).")
        same = self.written_at is not None and newest.written_at >= self.written_at
        if self.until == "arrived" and not same:
            raise self.missing(f"{self.wanted()}; the newest there is of {newest.written_at:%H:%M:%S} UTC.")
        lost = max(0.0, ((self.written_at or world.now) - newest.written_at).total_seconds())
        met = None if self.most is None else lost <= self.most.total_seconds()
        return Measured(marker=newest.id, found_at=newest.written_at, rpo_s=round(lost, 3), met=met,
                        same=same, lag_s=self._lag(world) if same else None)  # fmt: skip

    def _lag(self, world: World) -> float:
        assert self.written_at is not None  # of one that is the same
        return round(max(0.0, (world.now - self.written_at).total_seconds()), 3)

    def wanted(self) -> str:
        """What must be."""
        which = f"the marker of {self.written_at:%H:%M:%S} UTC" if self.until == "arrived" else "a marker"
        return f"{self.dsn} must hold {which}"

    def say(self, done: Measured) -> str:
        """Nothing lost; 40 s lost."""
        lost = "nothing lost" if done.same else f"{words(timedelta(seconds=done.rpo_s))} lost"
        held = (
            ""
            if done.met is None
            else " (RPO met)"
            if done.met
            else f" (RPO of {words(self.most or timedelta(0))} missed)"
        )
        seen = f", seen within {words(timedelta(seconds=done.lag_s or 0))}" if self.until == "arrived" else ""
        return f"newest marker of {done.found_at:%d %b %H:%M:%S} UTC: {lost}{held}{seen}"
