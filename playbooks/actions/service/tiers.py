"""`service.tiers`: which services answer at a site, tier by tier."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import Field

from playbooks.action import Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.actions.probes import Probe
from playbooks.connectors.http import HttpReads
from playbooks.errors import MusterError
from playbooks.ports import Services


class TiersSeen(Outputs):
    """Every service of the policy."""

    up: list[str] = Field(description="Services whose health address answers 200, in the order of recovery")
    down: list[str] = Field(description="Services whose health address does not")
    unknown: list[str] = Field(description="Services without a health address there")
    seen: dict[str, str] = Field(description="Service -> tier and what it answered, in words")


@action("service.tiers", risk=Risk.READ, again=Again.SAFE, needs=("http:GET",), result=TiersSeen)
class ServiceTiers(Probe):
    """Look which services answer at a site, by tier

    Example: {uses: service.tiers, with: {site: secondary, through: 2, within: 15m}}

    Asks the health address of every service the policy has, once, at the same time. Without `through` it only says what
    it sees. With it, every service of that tier or a more important one must answer; one without a health address is
    named, and does not count.
    """

    site: str = Field(description="The site that is looked at", min_length=1)
    through: int | None = Field(default=None, description="The least important tier that must answer", ge=0, le=3)
    within: Length = Field(default=timedelta(0), description="How long that may take; 0s is now or never")

    async def look(self, world: World) -> TiersSeen:
        """Ask all of them. Raises NotYet or Refused while one that must does not answer."""
        there = world.use(Services).at(self.site)  # type: ignore[type-abstract]
        asked = [one for one in there if one.health_url]
        answers = await asyncio.gather(*(_answer(world, str(one.health_url)) for one in asked))
        said = {one.name: words for one, (_, words) in zip(asked, answers, strict=True)}
        down = [one for one, (well, _) in zip(asked, answers, strict=True) if not well]
        if must := [one for one in down if self.through is not None and one.tier <= self.through]:
            named = "; ".join(f"{one.title} (tier {one.tier}) {said[one.name]}" for one in must)
            raise self.missing(f"Not all services of tier {self.through} or above answer at {self.site}: {named}.",
                               todo="Bring them back in this order, then look again.")  # fmt: skip
        return TiersSeen(
            up=[one.name for one in asked if one not in down], down=[one.name for one in down],
            unknown=[one.name for one in there if not one.health_url],
            seen={one.name: f"tier {one.tier}: {said.get(one.name, 'has no health address')}" for one in there},
        )  # fmt: skip

    def wanted(self) -> str:
        """What must be."""
        if self.through is None:
            return f"See which services answer at {self.site}"
        return f"All services of tier {self.through} or above answer at {self.site}"

    def say(self, done: TiersSeen) -> str:
        """up checkout; down auth; unknown analytics."""
        parts = {"up": done.up, "down": done.down, "not known": done.unknown}
        return "; ".join(f"{word}: {', '.join(names)}" for word, names in parts.items() if names)


async def _answer(world: World, url: str) -> tuple[bool, str]:
    try:
        found = await world.use(HttpReads).get(url)
    except MusterError as error:
        return False, f"does not answer ({error.message})"
    return found.status == 200, f"answers {found.status}"
