"""`service.look`: what of a service answers at a site, and what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from pydantic import Field, model_validator

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.http import HttpReads
from playbooks.connectors.postgres import PostgresReads
from playbooks.errors import MusterError
from playbooks.secrets import SecretRef


class Looked(Outputs):
    """What answered, and what did not."""

    service: str = Field(description="The service")
    site: str = Field(description="The site that was looked at")
    verdict: str = Field(description='"up" when all answered as it should, "down" when nothing did, else "partly"')
    seen: dict[str, str] = Field(description="What was looked at -> what was seen, in words")
    down: list[str] = Field(description="What did not answer as it should")


@action("service.look", risk=Risk.READ, again=Again.SAFE, needs=("postgres:CONNECT",), result=Looked)
class ServiceLook(Action):
    """Look what of a service answers

    Example: {uses: service.look, with: {service: checkout, site: primary, dsn: "env://CHECKOUT_DSN",
      health_url: "https://checkout.example.com/health", monitoring_url: "https://grafana.example.com/health"}}

    Looks once at the database, the health address and the monitoring, at the same time, and says what each shows. What
    is down is what this step is there to find: it does not fail by it. From here: what others see may be different.
    """

    service: str = Field(description="The service", min_length=1)
    site: str = Field(description="The site that is looked at", min_length=1)
    dsn: SecretRef | None = Field(default=None, description="Its database there; none: it is not asked")
    health_url: str | None = Field(default=None, description="Address that answers 200 while it is well")
    monitoring_url: str | None = Field(default=None, description="Address of the monitoring, which answers 200")

    @model_validator(mode="after")
    def _something(self) -> ServiceLook:
        if not (self.dsn or self.health_url or self.monitoring_url):
            raise ValueError("give a dsn, a health_url or a monitoring_url: else there is nothing to look at")
        return self

    async def look(self, world: World) -> Looked:
        """Ask all of them."""
        asked: dict[str, Awaitable[tuple[bool, str]]] = {}
        if self.dsn is not None:
            asked["database"] = _database(world, self.dsn)
        if self.health_url:
            asked["health"] = _answer(world, self.health_url)
        if self.monitoring_url:
            asked["monitoring"] = _answer(world, self.monitoring_url)
        seen = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
        down = [name for name, (well, _) in seen.items() if not well]
        verdict = "up" if not down else "down" if len(down) == len(seen) else "partly"
        return Looked(
            service=self.service, site=self.site, verdict=verdict, down=down,
            seen={name: words for name, (_, words) in seen.items()},
        )  # fmt: skip

    def say(self, done: Looked) -> str:
        """checkout at primary is partly up: database accepts writes; health answers 503."""
        state = {"up": "up", "down": "down", "partly": "partly up"}[done.verdict]
        return f"{done.service} at {done.site} is {state}: {'; '.join(f'{k} {v}' for k, v in done.seen.items())}"


async def _database(world: World, dsn: SecretRef) -> tuple[bool, str]:
    try:
        server = await world.use(PostgresReads).server(dsn)
    except MusterError as error:
        return False, f"does not answer ({error.message})"
    if server.writable:
        return True, "accepts writes"
    return False, "is a standby" if server.standby else "is read-only"


async def _answer(world: World, url: str) -> tuple[bool, str]:
    try:
        found = await world.use(HttpReads).get(url)
    except MusterError as error:
        return False, f"does not answer ({error.message})"
    return found.status == 200, f"answers {found.status}"
