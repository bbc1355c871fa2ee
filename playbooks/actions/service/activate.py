"""`service.activate`: a service is active at a site: a write, DNS and its health show it, then it is recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field, field_validator

from playbooks.action import Act, Action, Again, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.answers import Alive
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.http import HttpReads
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.durations import words
from playbooks.errors import MusterError, Refused
from playbooks.secrets import SecretRef


class Activated(Outputs):
    """Where it is from now on, and what was lost on the way."""

    service: str = Field(description="The service")
    site: str = Field(description="Where it is active")
    rpo_s: float | None = Field(description="Seconds of writes that are missing; null where it could not be measured")
    marker: str = Field(description="Id of the marker written there, empty without a database")
    marked_at: datetime | None = Field(description="When that was written (UTC)")


@action("service.activate", risk=Risk.WRITE, again=Again.KEYED, needs=("postgres:INSERT", "postgres:CREATE"),
        result=Activated, moves_service=True)  # fmt: skip
class ServiceActivate(Action):
    """Verify that a service is active at a site, and record it

    Example: {uses: service.activate, with: {service: checkout, site: secondary, dsn: "env://CHECKOUT_SECONDARY_DSN",
      record: checkout.example.com, type: CNAME, values: [secondary.example.com]}}

    Writes a marker through the new path and reads it back, asks DNS until it says the new values, and the health
    address until it answers 200. Only then is the service recorded there. Refuses while the database does not accept
    writes, and while the old one (`old_dsn`) still does. With `last_written_at`, when the last marker was written to
    the old database, it measures what was lost.
    """

    service: str = Field(description="The service", min_length=1)
    site: str = Field(description="Where it is to be active", min_length=1)
    dsn: SecretRef | None = Field(default=None, description="Its database there, with a role that may write")
    old_dsn: SecretRef | None = Field(default=None, description="Its database where it was, which may not take writes")
    last_written_at: datetime | None = Field(default=None, description="When the last marker was written there")
    record: str | None = Field(default=None, description="The DNS name people reach it by; none: DNS is not asked")
    type: str = Field(default="A", description="A, AAAA or CNAME", pattern="^(A|AAAA|CNAME)$")
    values: list[str] = Field(default=[], description="What DNS must say")
    resolver: str | None = Field(default=None, description="Who is asked, with :port; none: the host's own")
    health_url: str | None = Field(default=None, description="Address that must answer 200; none: it is not asked")

    why_no_undo = "Where a service is active is what was seen; it goes back by a failback of its own."
    verify_within_s = 900.0

    @field_validator("last_written_at")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone: 2026-11-22T08:00Z")
        return value

    async def plan(self, world: World) -> Plan:
        """Says what will be verified. The new path need not be open yet: earlier steps open it."""
        by = [
            *(["a marker written and read back"] if self.dsn else []),
            *([f"{self.record} saying {', '.join(self.values)}"] if self.record else []),
            *([f"{self.health_url} answering 200"] if self.health_url else []),
        ]
        if not by or (self.record and not self.values):
            raise Refused(
                f"Nothing would show that {self.service} is active at {self.site}; it was not recorded.",
                todo="Give the policy a database, DNS values or a health_url of the service at this site.",
            )
        return Plan(targets=(f"service:{self.service}",),
                    effect=f"Record {self.service} as active at {self.site}, verified by {', '.join(by)}")  # fmt: skip

    async def run(self, act: Act) -> Activated:
        """Write the marker, once for this attempt, where writes are accepted and nowhere else any more."""
        await self.plan(act)
        if self.dsn is None:
            return Activated(service=self.service, site=self.site, rpo_s=None, marker="", marked_at=None)
        await self._check(act, self.dsn)
        lost = await self._lost(act, self.dsn)
        made = await act.use(Postgres).write_marker(self.dsn, act.key, f"{self.service} active at {self.site}")
        return Activated(service=self.service, site=self.site, rpo_s=lost, marker=made.id, marked_at=made.written_at)

    async def verify(self, world: World, done: Activated) -> Seen:
        """The marker, DNS, health: all of them, as people reach the service."""
        seen = []
        if self.dsn is not None:
            if await world.use(PostgresReads).newest_marker(self.dsn, done.marker) is None:
                return Seen(ok=None, text=f"the marker cannot be read back from {self.dsn}", again_in=2.0)
            seen.append("marker read back")
        if self.record:
            heard = await world.use(DnsReads).ask(self.record, self.type, self.resolver or "")
            said = ", ".join(heard.values) or "nothing"
            if _plain(heard.values) != _plain(self.values):
                return Seen(ok=None, text=f"{self.record} says {said}, not yet {', '.join(self.values)}", again_in=2.0)
            seen.append(f"DNS says {said}")
        if self.health_url:
            answer = await world.use(HttpReads).get(self.health_url)
            if answer.status != 200:
                return Seen(ok=None, text=f"{self.health_url} answers {answer.status}", again_in=2.0)
            seen.append("health answers 200")
        return Seen(ok=True, text=f"{self.service} is active at {self.site}: {', '.join(seen)}{_words(done.rpo_s)}")

    def say(self, done: Activated) -> str:
        """Marker written at the new site."""
        wrote = f"marker written at {done.site}" if done.marker else f"{done.site} has no database"
        return f"{done.service}: {wrote}{_words(done.rpo_s)}"

    async def _check(self, world: World, dsn: SecretRef) -> None:
        """Refused unless exactly the new database accepts writes, as far as the old one answers."""
        new = await world.use(PostgresReads).server(dsn)
        if not new.writable:
            state = "a standby" if new.standby else "read-only"
            raise Refused(f"{new.database} at {dsn} does not accept writes: it is {state}. {self.service} was not "
                          f"recorded at {self.site}.",
                          todo="Promote it, or let it take writes (postgres.read_only_off).")  # fmt: skip
        if self.old_dsn is None or self.old_dsn == dsn:
            return
        try:
            old = await world.use(PostgresReads).server(self.old_dsn)
        except Alive:
            raise  # busy is not dead: asked again
        except MusterError:
            return  # gone, or closed to us: what promoted the new one has seen to that
        if old.writable and (old.system, old.started_at) != (new.system, new.started_at):
            raise Refused(f"The old database at {self.old_dsn} still accepts writes: {self.service} would have two "
                          f"writers. It was not recorded at {self.site}.",
                          todo="Fence the old one first: stop it, cut its network, or switch it to read-only "
                          "(postgres.read_only_on).")  # fmt: skip

    async def _lost(self, world: World, dsn: SecretRef) -> float | None:
        """Seconds of writes that are missing: from the newest old marker that is there to the last one written."""
        if self.last_written_at is None:
            return None
        newest = await world.use(PostgresReads).newest_marker(dsn, until=self.last_written_at)
        return None if newest is None else round((self.last_written_at - newest.written_at).total_seconds(), 3)


def _plain(values: list[str] | tuple[str, ...]) -> list[str]:
    return sorted(value.lower().rstrip(".") for value in values)


def _words(rpo_s: float | None) -> str:
    if rpo_s is None:
        return ""
    return "; nothing lost" if rpo_s == 0 else f"; {words(timedelta(seconds=rpo_s))} of writes lost"
