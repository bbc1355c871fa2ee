"""`prometheus.query`: is what is measured as it must be, now or over a window?"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.prometheus import PrometheusReads, Series
from playbooks.durations import words
from playbooks.errors import NotYet, Temporary

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Measured(Outputs):
    """What was measured."""

    value: float = Field(description="The value that decided: of all that were compared, the one nearest to wrong")
    series: str = Field(description="Labels of the series it belongs to")
    count: int = Field(description="How many series there were")


@action("prometheus.query", risk=Risk.READ, again=Again.SAFE, needs=("prometheus:query",), result=Measured)
class Query(Action):
    """Compare what Prometheus measures

    Example: {uses: prometheus.query, with: {query: 'job:error_ratio:rate5m', is: "<", threshold: 0.01, over: 10m}}

    Every series must be as asked; over a window, at every moment of it. No data is no proof. Asks again until it is
    so or the time is over.
    """

    query: str = Field(description="PromQL", min_length=1, max_length=2000)
    is_: Literal["<", "<=", ">", ">=", "==", "!="] = Field(default="<=", alias="is", description="How it is compared")
    threshold: float = Field(description="With what")
    over: Length | None = Field(default=None, description="For how long it must have been so; without it, now")
    within: Length = Field(default=timedelta(minutes=5), description="How long it may take to be so")
    url: str = Field(default="", description="Which Prometheus; PROMETHEUS_URL without it", pattern=r"^(https?://.*)?$")

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> Measured:
        """Ask once. NotYet while a series is not as asked, or there is none."""
        reads = world.use(PrometheusReads)
        try:
            if self.over is None:
                found = await reads.now(self.query, url=self.url)
            else:
                seconds = self.over.total_seconds()
                found = await reads.window(self.query, until=world.now, seconds=seconds, url=self.url)
        except Temporary as error:
            raise NotYet(error.message) from None
        return self._judge(found)

    def _judge(self, found: list[Series]) -> Measured:
        """The value nearest to wrong, when all are right."""
        pairs = [(value, one) for one in found for _, value in one.values]
        if not pairs or any(not one.values for one in found):
            raise NotYet(f"{self.query} has no data{' in a series' if pairs else ''}")
        holds = COMPARE[self.is_]
        for value, one in pairs:
            if not holds(value, self.threshold):
                where = f" ({one.name})" if one.name else ""
                raise NotYet(f"{self.query} is {value:g}{where}, must be {self.is_} {self.threshold:g}")
        value, one = min(pairs, key=lambda pair: abs(pair[0] - self.threshold))
        return Measured(value=value, series=one.name, count=len(found))

    async def plan(self, world: World) -> Plan:
        """What must be, and what is now."""
        span = f" for {words(self.over)}" if self.over else ""
        effect = f"{self.query} must be {self.is_} {self.threshold:g}{span} within {words(self.within)}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=(f"Now: {self.say(seen)}",), outputs=seen.model_dump(mode="json"))

    def say(self, done: Measured) -> str:
        """The value."""
        where = f" ({done.series})" if done.series else ""
        return f"{self.query} is {done.value:g}{where}, {self.is_} {self.threshold:g}"
