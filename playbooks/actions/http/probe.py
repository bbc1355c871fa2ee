"""`http.probe`: does the service answer as it must?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Plan, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.http import HttpReads, HttpSeen
from playbooks.durations import words
from playbooks.errors import NotYet, Temporary


class Probed(Outputs):
    """The answer that was good."""

    url: str = Field(description="Address asked")
    status: int = Field(description="HTTP status")
    latency_ms: float = Field(description="Milliseconds until the answer")
    value: Any = Field(default=None, description="What stands at json_path, None without one")


@action("http.probe", risk=Risk.READ, again=Again.SAFE, result=Probed)
class Probe(Action):
    """Probe an address

    Example: {uses: http.probe, with: {url: "https://checkout.example.com/health", status: 200, within: 5m}}

    Asks again until the answer is right or the time is over. Redirects are not followed: a 302 is a 302.
    """

    url: str = Field(description="Address to GET", pattern=r"^https?://")
    status: int = Field(default=200, description="HTTP status it must answer", ge=100, le=599)
    within: Length = Field(
        default=timedelta(seconds=300), description="How long it may take to be right (5m, 90s or seconds)"
    )
    json_path: str = Field(default="", description='Path into a JSON answer ("checks.db.status", "items.0")')
    json_value: Any = Field(default=None, description="What must stand there; without it, anything that is not false")
    max_latency_ms: float | None = Field(default=None, description="Slowest answer that counts, in milliseconds", gt=0)

    def within_s(self) -> float:
        """As given."""
        return self.within.total_seconds()

    async def look(self, world: World) -> Probed:
        """Ask once. NotYet while the answer is wrong, slow or missing."""
        try:
            seen = await world.use(HttpReads).get(self.url)
        except Temporary as error:
            raise NotYet(f"{self.url} does not answer now ({error.message})") from None
        value = _at(seen.text, self.json_path) if self.json_path else None
        if wrong := self._wrong(seen, value):
            raise NotYet(f"{self.url} {wrong}")
        return Probed(url=self.url, status=seen.status, latency_ms=seen.latency_ms, value=value)

    def _wrong(self, seen: HttpSeen, value: Any) -> str:
        """What is wrong with an answer, as a verb phrase; "" when nothing is."""
        if seen.status != self.status:
            return f"answers {seen.status} now"
        if self.json_path and self.json_value is None and not value:
            return f"has {json.dumps(value)} at {self.json_path} now"
        if self.json_path and self.json_value is not None and value != self.json_value:
            return f"has {json.dumps(value)} at {self.json_path} now"
        if self.max_latency_ms is not None and seen.latency_ms > self.max_latency_ms:
            return f"answers after {seen.latency_ms:.0f} ms now"
        return ""

    def _must(self) -> str:
        parts = [f"must answer {self.status}"]
        if self.json_path:
            parts.append(
                f"with {'something' if self.json_value is None else json.dumps(self.json_value)} at {self.json_path}"
            )
        if self.max_latency_ms is not None:
            parts.append(f"in {self.max_latency_ms:g} ms")
        return f"{' '.join(parts)} within {words(self.within)}"

    async def plan(self, world: World) -> Plan:
        """Looks once: "https://... answers 503 now; must answer 200 within 5 min"."""
        effect = f"{self.url} {self._must()}"
        try:
            seen = await self.look(world)
        except NotYet as error:
            return Plan(effect=effect, notes=(f"{error.message}; {self._must()}",))
        now = f"{self.url} answers {seen.status} now; {self._must()}"
        return Plan(effect=effect, notes=(now,), outputs=seen.model_dump(mode="json"))

    def say(self, done: Probed) -> str:
        """url answers 200 (31 ms)."""
        return f"{done.url} answers {done.status} ({done.latency_ms:.0f} ms)"


def _at(text: str, path: str) -> Any:
    """What stands at a dotted path of a JSON text; None when it is no JSON or has no such place."""
    try:
        place: Any = json.loads(text)
    except ValueError:
        return None
    for part in path.split("."):
        if isinstance(place, dict):
            place = place.get(part)
        elif isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        else:
            return None
    return place
