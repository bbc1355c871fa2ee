"""`http.canary`: a score that says whether what was changed is good enough."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.http import HttpReads
from playbooks.durations import words
from playbooks.errors import NotYet, Refused, Temporary
from playbooks.host_commands import at


class Scored(Outputs):
    """What the canary said."""

    url: str = Field(description="Address asked")
    score: float = Field(description="Its score")
    threshold: float = Field(description="What it must reach")


@action("http.canary", risk=Risk.READ, again=Again.SAFE, result=Scored)
class Canary(Action):
    """Judge a canary by its score

    Example: {uses: http.canary, with: {url: "https://checkout.example.com/canary", threshold: 0.95}}

    Below the threshold it fails at once, without asking again. Asks again only while there is no score.
    """

    url: str = Field(description="Address to GET", pattern=r"^https?://")
    threshold: float = Field(default=0.95, description="Lowest score that is good enough")
    json_path: str = Field(default="canary_score", description='Where the score stands ("checks.canary.score")')
    within: Length = Field(default=timedelta(minutes=5), description="How long it may take until there is a score")

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> Scored:
        """Ask once. NotYet without a score, Refused when it is too low."""
        score, why = await self._score(world)
        if score is None:
            raise NotYet(f"{self.url} {why}")
        if score < self.threshold:
            raise Refused(f"The canary scores {score:g}, less than {self.threshold:g}.", todo="Roll back or look why.")
        return Scored(url=self.url, score=score, threshold=self.threshold)

    async def _score(self, world: World) -> tuple[float | None, str]:
        try:
            seen = await world.use(HttpReads).get(self.url)
        except Temporary as error:
            return None, f"does not answer now ({error.message})"
        if seen.status != 200:
            return None, f"answers {seen.status} now"
        try:
            value: Any = at(json.loads(seen.text), self.json_path)
        except ValueError:
            value = None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None, f"has {json.dumps(value)} at {self.json_path} now, which is no score"
        return float(value), ""

    async def plan(self, world: World) -> Plan:
        """What it must reach, and where it stands."""
        effect = f"{self.url} must score at least {self.threshold:g} within {words(self.within)}"
        score, why = await self._score(world)
        now = why or f"scores {score:g} now"
        good = score is not None and score >= self.threshold
        seen = Scored(url=self.url, score=score or 0.0, threshold=self.threshold).model_dump() if good else None
        return Plan(effect=effect, notes=(f"{self.url} {now}",), outputs=seen)

    def say(self, done: Scored) -> str:
        """The score."""
        return f"the canary scores {done.score:g} (at least {done.threshold:g})"
