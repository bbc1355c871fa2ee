"""`service.where`: is a service where the record says it is?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.postgres import PostgresReads, Server
from playbooks.errors import MusterError, Refused, Temporary
from playbooks.secrets import SecretRef


class Place(BaseModel):
    """What a service has at one site."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    site: str = Field(description="Name of the site", min_length=1)
    values: list[str] = Field(default=[], description="What DNS says while the service is active there")
    dsn: SecretRef | None = Field(default=None, description="Its database there")


class Located(Outputs):
    """Where it is, by three witnesses."""

    service: str = Field(description="The service")
    site: str = Field(description="Where it is active by the record")
    dns_says: str = Field(description="Site that DNS points to, empty where it was not asked or did not answer")
    writer_at: str = Field(description="Site whose database accepts writes, empty where none was seen to")
    unknown: list[str] = Field(description="What could not be asked, and why")


@action("service.where", risk=Risk.READ, again=Again.SAFE, needs=("postgres:CONNECT",), result=Located)
class ServiceWhere(Action):
    """Compare the record of where a service is active with DNS and the writer

    Example: {uses: service.where, with: {service: checkout, recorded: primary, record: checkout.example.com,
      type: CNAME, places: [{site: primary, values: [primary.example.com], dsn: "env://CHECKOUT_DSN"}]}}

    Refuses when DNS points to another site, when another site's database accepts writes, and when two do. What does
    not answer is no contradiction, since a failover begins with something that does not answer; it is named. Where
    nothing answers at all, it refuses.
    """

    service: str = Field(description="The service", min_length=1)
    recorded: str = Field(description="Where it is active by the record: the name of `active_site`", min_length=1)
    places: list[Place] = Field(description="The sites that count; the same one may stand there twice", min_length=1)
    record: str | None = Field(default=None, description="The DNS name people reach it by; none: it has none")
    type: str = Field(default="A", description="A, AAAA or CNAME", pattern="^(A|AAAA|CNAME)$")
    resolver: str | None = Field(default=None, description="Who is asked, with :port; none: the host's own")

    async def look(self, world: World) -> Located:
        """Ask DNS and each database, at the same time."""
        (dns_says, answer, deaf), (writers, dead) = await asyncio.gather(self._dns(world), self._writers(world))
        unknown = [*deaf, *dead]
        if len(writers) > 1:
            raise Refused(
                f"{self.service} has two writers: {' and '.join(writers)} both accept writes. Nothing was changed.",
                todo="Fence the wrong one now: stop it, cut its network, or switch it to read-only "
                "(postgres.read_only_on).",
            )
        if wrong := self._wrong(dns_says, answer, writers):
            raise Refused(
                f"{self.service} is at {self.recorded} by the record, but {' and '.join(wrong)}. Nothing was changed.",
                todo="Put that right; or, where the record is wrong, let `service.activate` verify and record the "
                f"truth: `/playbook run service/record service={self.service} site=…`.",
            )
        if not dns_says and not writers:
            raise Refused(
                f"Nothing shows where {self.service} is: {'; '.join(unknown) or 'nobody could be asked'}.",
                todo=f"Look yourself, and skip this step with what you saw if it is at {self.recorded}.",
            )
        return Located(service=self.service, site=self.recorded, dns_says=dns_says,
                       writer_at="".join(writers), unknown=unknown)  # fmt: skip

    def _wrong(self, dns_says: str, answer: Sequence[str], writers: Sequence[str]) -> list[str]:
        """What contradicts the record, in words."""
        said = []
        if answer and dns_says != self.recorded:
            whose = f", which is {dns_says}" if dns_says else ", which is none of its sites"
            said.append(f"DNS says {', '.join(answer)}{whose}")
        if writers and self.recorded not in writers:
            said.append(f"the database at {writers[0]} accepts writes")
        return said

    async def _dns(self, world: World) -> tuple[str, tuple[str, ...], list[str]]:
        """The site DNS points to, what it says, and why it could not be asked."""
        if not self.record:
            return "", (), []
        try:
            heard = await world.use(DnsReads).ask(self.record, self.type, self.resolver or "")
        except Temporary as error:
            return "", (), [f"DNS does not answer for {self.record} ({error.message})"]
        answer = heard.values or ("nothing",)
        at = [one.site for one in self.places if _plain(one.values) == _plain(heard.values) and one.values]
        return (self.recorded if self.recorded in at else at[0] if at else ""), answer, []

    async def _writers(self, world: World) -> tuple[list[str], list[str]]:
        """Sites whose database accepts writes, the recorded one first, and whose could not be asked."""
        asked = {one.site: one.dsn for one in self.places if one.dsn is not None}
        order = sorted(asked, key=lambda site: site != self.recorded)
        seen = await asyncio.gather(*(_server(world, asked[site]) for site in order))
        servers = {site: one for site, one in zip(order, seen, strict=True) if isinstance(one, Server)}
        dead = [f"the database at {site}: {one}" for site, one in zip(order, seen, strict=True) if isinstance(one, str)]
        return _distinct({site: one for site, one in servers.items() if one.writable}), dead

    def say(self, done: Located) -> str:
        """checkout at primary: DNS and writer agree."""
        agree = [word for word, seen in (("DNS", done.dns_says), ("the writer", done.writer_at)) if seen]
        more = f"; {'; '.join(done.unknown)}" if done.unknown else ""
        return f"{done.service} at {done.site}: {' and '.join(agree)} agree{'s' if len(agree) == 1 else ''}{more}"


async def _server(world: World, dsn: SecretRef | None) -> Server | str:
    """The server, or why it could not be asked: one that lets us in not is as little known as a dead one."""
    assert dsn is not None
    try:
        return await world.use(PostgresReads).server(dsn)
    except MusterError as error:
        return error.message


def _distinct(servers: Mapping[str, Server]) -> list[str]:
    """Sites, each server once: two references may lead to one server, and then it is the first's."""
    kept: dict[tuple[str, object], str] = {}
    for site, one in servers.items():
        kept.setdefault((one.system, one.started_at), site)
    return list(kept.values())


def _plain(values: Sequence[str]) -> list[str]:
    return sorted(value.lower().rstrip(".") for value in values)
