"""`dns.resolve`: ask a resolver what a name says, and wait until it is what was expected."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.dns import DnsReads
from playbooks.errors import NotYet


class Resolved(Outputs):
    """What the resolver answered."""

    values: list[str] = Field(description="The values, sorted; empty where there is no such record")
    ttl: int = Field(description="Seconds the resolver will remember this")
    resolver: str = Field(description="Who was asked")


@action("dns.resolve", risk=Risk.READ, again=Again.SAFE, result=Resolved)
class Resolve(Action):
    """Ask a resolver what a name says

    Example: {uses: dns.resolve, with: {record: a.example.com, type: CNAME, expect: [dr.example.com], within: 5m}}

    With `expect` it looks again until the answer is exactly that, through the resolver that people use; resolvers may
    remember the old answer for its TTL, and other resolvers are not asked.
    """

    record: str = Field(description="The name asked for", min_length=1, max_length=253)
    type: str = Field(default="A", description="A, AAAA, CNAME or TXT", pattern="^(A|AAAA|CNAME|TXT)$")
    expect: list[str] = Field(default=[], description="Exactly these values; none: whatever is there")
    resolver: str | None = Field(default=None, description="Address of the resolver, with :port; none: the host's own")
    within: Length = Field(default=timedelta(minutes=5), description="How long to look again")

    def within_s(self) -> float:
        """As long as `within` says."""
        return self.within.total_seconds()

    async def look(self, world: World) -> Resolved:
        """One question."""
        answer = await world.use(DnsReads).ask(self.record, self.type, self.resolver or "")
        wanted = sorted(value.lower().rstrip(".") for value in self.expect)
        if self.expect and [value.lower() for value in answer.values] != wanted:
            said = ", ".join(answer.values) or "nothing"
            raise NotYet(f"{self.record} says {said}, not yet {', '.join(self.expect)}", again_in=2.0)
        return Resolved(values=list(answer.values), ttl=answer.ttl, resolver=answer.resolver)

    def say(self, done: Resolved) -> str:
        """name: values."""
        return f"{self.type} {self.record} at {done.resolver}: {', '.join(done.values) or 'nothing'}"
