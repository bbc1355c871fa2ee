"""`prometheus.alert_fired`: did an alert fire?"""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field, field_validator

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.durations import compact, words
from playbooks.errors import NotYet, Temporary


class Fired(Outputs):
    """Whether and where it fired."""

    alert: str = Field(description="Name of the alert")
    fired: bool = Field(description="Whether it did")
    series: list[str] = Field(description="Labels of those that fired, at most ten")


@action("prometheus.alert_fired", risk=Risk.READ, again=Again.SAFE, needs=("prometheus:query",), result=Fired)
class AlertFired(Action):
    """See whether an alert fired

    Example: {uses: prometheus.alert_fired, with: {alert: DatabaseDown, since: 10m, within: 5m}}

    Looks back over `since`, so an alert that came and went counts. Asks again until it is as asked or the time is over.
    """

    alert: str = Field(description="Name of the alert", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,199}$")
    labels: dict[str, str] = Field(default={}, description="Labels it must have")
    since: Length = Field(default=timedelta(minutes=10), description="How far to look back")
    fired: bool = Field(default=True, description="Whether it must have fired, or must not")
    within: Length = Field(default=timedelta(minutes=5), description="How long it may take to be so")
    url: str = Field(default="", description="Which Prometheus; PROMETHEUS_URL without it", pattern=r"^(https?://.*)?$")

    @field_validator("labels")
    @classmethod
    def _labels(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"{name} is no label")
        return value

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    def query(self) -> str:
        """The PromQL: how often it was seen firing in that time."""
        wanted = {"alertname": self.alert, "alertstate": "firing", **self.labels}
        listed = ",".join(f"{name}={_quoted(value)}" for name, value in sorted(wanted.items()))
        return f"count_over_time(ALERTS{{{listed}}}[{compact(self.since)}])"

    async def look(self, world: World) -> Fired:
        """Ask once. NotYet while it is not as asked."""
        try:
            found = await world.use(PrometheusReads).now(self.query(), url=self.url)
        except Temporary as error:
            raise NotYet(error.message) from None
        series = [one.name for one in found if one.values and one.values[-1][1] > 0]
        if bool(series) is not self.fired:
            raise NotYet(f"{self.alert} {'fired' if series else 'has not fired'} in the last {words(self.since)}")
        return Fired(alert=self.alert, fired=bool(series), series=series[:10])

    async def plan(self, world: World) -> Plan:
        """What must be, and what is now."""
        must = "must have fired" if self.fired else "must not have fired"
        effect = f"{self.alert} {must} in the last {words(self.since)}, within {words(self.within)}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"Now: {error.message}",))
        return Plan(effect=effect, notes=(f"Now: {self.say(seen)}",), outputs=seen.model_dump(mode="json"))

    def say(self, done: Fired) -> str:
        """Fired or not."""
        return f"{done.alert} {'fired' if done.fired else 'has not fired'} in the last {words(self.since)}"


def _quoted(value: str) -> str:
    """A PromQL string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
