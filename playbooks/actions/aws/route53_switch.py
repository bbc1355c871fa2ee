"""`aws.route53_switch`: let a name point somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.aws import Aws, AwsReads, Record
from playbooks.connectors.dns import DnsReads
from playbooks.errors import Refused


class Switched(Outputs):
    """The record before and after, whole: an UPSERT replaces all of it."""

    change: str = Field(description="Id of the change, empty when it was found afterwards")
    zone: str = Field(description="Hosted zone")
    name: str = Field(description="The name")
    type: str = Field(description="Type of the record")
    values: list[str] = Field(description="What it says now")
    ttl: int = Field(description="Seconds, now")
    old_values: list[str] = Field(description="What it said before")
    old_ttl: int = Field(description="Seconds, before")


@action(
    "aws.route53_switch",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets", "route53:GetChange"),
    result=Switched,
)
class Route53Switch(Action):
    """Point a DNS record somewhere else

    Example: {uses: aws.route53_switch, with: {zone: Z1, record: a.example.com, type: CNAME, values: [dr.example.com]}}

    Replaces the record's values by UPSERT; the record that stood there is kept for the way back. Refuses when it does
    not say `from_values` (any more), when it says the new values already, and for alias and weighted records.
    """

    zone: str = Field(description="Id of the hosted zone", min_length=1)
    record: str = Field(description="The name, without its last dot", min_length=1)
    type: str = Field(default="A", description="A, AAAA or CNAME", pattern="^(A|AAAA|CNAME)$")
    values: list[str] = Field(description="What it shall say", min_length=1, max_length=100)
    from_values: list[str] = Field(default=[], description="What it must say now; none: whatever it says")
    ttl: int | None = Field(default=None, description="New TTL in seconds; none: as it is", ge=1, le=86400)
    resolver: str | None = Field(default=None, description="Who is asked afterwards; none: only Route 53 itself")

    verify_within_s = 900.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """What the name said and says; its TTL is no matter."""
        old, new = sorted(outputs.get("old_values") or []), sorted(outputs.get("values") or [])
        thing = f"dns {outputs.get('zone')} {outputs.get('name')}/{outputs.get('type')}"
        return (Change(thing, said(old) if old else UNKNOWN, said(new)),)

    async def plan(self, world: World) -> Plan:
        """Says from what to what; refuses when the record is another one than was thought."""
        now = await self._now(world)
        return Plan(
            targets=(f"dns:{self.record}/{self.type}",),
            effect=f"Point {self.type} {self.record}: {', '.join(now.values)} -> {', '.join(self._wanted())}",
            warnings=(
                f"Resolvers remember the old answer for up to {now.ttl} s; open connections stay where they are.",
            ),
            data_loss_s=None,
            undo=f"Point it back to {', '.join(now.values)}.",
        )

    async def run(self, act: Act) -> Switched:
        """One UPSERT, after one more look."""
        now = await self._now(act)
        new = Record(self.zone, self.record, self.type, self.ttl or now.ttl, tuple(self._wanted()))
        change = await act.use(Aws).route53_upsert(new, comment=f"muster {act.key}")
        return self._outputs(now, change)

    async def verify(self, world: World, done: Switched) -> Seen:
        """In sync on all of Route 53's servers, and then what the resolver says."""
        return await self._settled(world, done.change, done.values)

    async def reconcile(self, world: World) -> Found:
        """The record itself tells, as long as nobody else changes it."""
        now = await self._record(world.use(AwsReads))
        said = f"{self.type} {self.record} says {', '.join(now.values)}"
        if sorted(now.values) == self._wanted():
            old = now if not self.from_values else Record(**{**now.__dict__, "values": tuple(sorted(self.from_values))})
            return Found(happened=True, evidence=f"{said}.", outputs=self._outputs(old, ""))
        if self.from_values and sorted(now.values) == sorted(self.from_values):
            return Found(happened=False, evidence=f"{said}, as before.")
        return Found(happened=None, evidence=f"{said}, which is neither the old nor the new value.")

    async def undo(self, act: Act, done: Switched) -> Outputs:
        """The old record again, whole."""
        now = await self._record(act.use(AwsReads))
        self._still(now, done)
        old = Record(done.zone, done.name, done.type, done.old_ttl, tuple(done.old_values))
        change = await act.use(Aws).route53_upsert(old, comment=f"muster {act.key}")
        return Switched(
            change=change, zone=done.zone, name=done.name, type=done.type, values=done.old_values, ttl=done.old_ttl,
            old_values=done.values, old_ttl=done.ttl,
        )  # fmt: skip

    async def plan_undo(self, world: World, done: Switched) -> Plan:
        """Says from what to what; refuses when somebody else changed it since."""
        self._still(await self._record(world.use(AwsReads)), done)
        back = f"{', '.join(done.values)} -> {', '.join(done.old_values)}"
        return Plan(targets=(f"dns:{self.record}/{self.type}",), effect=f"Point {done.type} {done.name} back: {back}")

    async def verify_undo(self, world: World, done: Switched) -> Seen:
        """As verify, with the old values."""
        return await self._settled(world, "", done.old_values)

    async def reconcile_undo(self, world: World, done: Switched) -> Found:
        """The record itself tells."""
        now = await self._record(world.use(AwsReads))
        said = f"{self.type} {self.record} says {', '.join(now.values)}."
        back = sorted(now.values) == sorted(done.old_values)
        return Found(
            happened=True if back else False if sorted(now.values) == sorted(done.values) else None, evidence=said
        )

    def say(self, done: Switched) -> str:
        """name: old -> new."""
        return f"{done.type} {done.name}: {', '.join(done.old_values)} -> {', '.join(done.values)}"

    def _wanted(self) -> list[str]:
        return sorted(value.rstrip(".") for value in self.values)

    async def _record(self, aws: AwsReads) -> Record:
        found = await aws.route53_records(self.zone, self.record, self.type)
        if len(found) != 1 or found[0].set_identifier or found[0].alias:
            kind = "an alias" if found and found[0].alias else "weighted" if found else "not there"
            todo = "Use aws.route53_weights." if kind == "weighted" else "Look at it in Route 53 first."
            raise Refused(f"{self.type} {self.record} in {self.zone} is {kind}; it was not changed.", todo=todo)
        return found[0]

    async def _now(self, world: World) -> Record:
        """The record, when it may be changed. Raises Refused."""
        now = await self._record(world.use(AwsReads))
        if sorted(now.values) == self._wanted():
            raise Refused(
                f"{self.type} {self.record} says {', '.join(now.values)} already.", todo="Nothing is to be done."
            )
        if self.from_values and sorted(now.values) != sorted(value.rstrip(".") for value in self.from_values):
            raise Refused(
                f"{self.type} {self.record} says {', '.join(now.values)}, not {', '.join(self.from_values)}: somebody "
                "changed it. It was left alone.",
                todo="Find out who, then ask again with what it says now.",
            )
        return now

    def _still(self, now: Record, done: Switched) -> None:
        if sorted(now.values) != sorted(done.values):
            raise Refused(
                f"{done.type} {done.name} says {', '.join(now.values)} by now, not what this step wrote. "
                "It was left alone.",
                todo="Change it by a step of its own.",
            )

    async def _settled(self, world: World, change: str, values: list[str]) -> Seen:
        wanted = sorted(values)
        if change and not await world.use(AwsReads).route53_in_sync(change):
            return Seen(ok=None, text="not in sync on all of Route 53's servers yet", again_in=2.0)
        now = await self._record(world.use(AwsReads))
        if sorted(now.values) != wanted:
            return Seen(ok=False, text=f"{self.record} says {', '.join(now.values)}: somebody changed it since")
        if self.resolver is None:
            return Seen(ok=True, text=f"in sync: {', '.join(wanted)}")
        heard = await world.use(DnsReads).ask(self.record, self.type, self.resolver)
        if sorted(heard.values) != wanted:
            return Seen(
                ok=None, text=f"{self.resolver} still says {', '.join(heard.values) or 'nothing'}", again_in=2.0
            )
        return Seen(ok=True, text=f"{self.resolver} says {', '.join(wanted)}")

    def _outputs(self, old: Record, change: str) -> Switched:
        return Switched(
            change=change, zone=self.zone, name=self.record, type=self.type, values=self._wanted(),
            ttl=self.ttl or old.ttl, old_values=list(old.values), old_ttl=old.ttl,
        )  # fmt: skip
