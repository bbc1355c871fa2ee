"""`aws.route53_switch`: let a name point somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.aws import Aws, AwsReads, Record
from playbooks.connectors.aws_route53 import Alias, plain
from playbooks.connectors.dns import DnsReads
from playbooks.errors import Refused


class AliasTo(BaseModel):
    """The target of an alias."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(description="Name of the target, such as a balancer's", min_length=1)
    zone: str = Field(description="Hosted zone of the target (a balancer's own, not the record's)", min_length=1)
    evaluate_health: bool = Field(default=True, description="Whether it is left out while its target is not healthy")

    def made(self) -> Alias:
        """As Route 53 has it."""
        return Alias(plain(self.name), self.zone, self.evaluate_health)

    @classmethod
    def of(cls, alias: Alias | None) -> AliasTo | None:
        """Back again."""
        return cls(name=alias.name, zone=alias.zone, evaluate_health=alias.follows) if alias else None


class Switched(Outputs):
    """The record before and after, whole: an UPSERT replaces all of it."""

    change: str = Field(description="Id of the change, empty when it was found afterwards")
    zone: str = Field(description="Hosted zone")
    name: str = Field(description="The name")
    type: str = Field(description="Type of the record")
    values: list[str] = Field(description='What it says now; of an alias "alias NAME"')
    ttl: int = Field(description="Seconds, now")
    old_values: list[str] = Field(description="What it said before; none: not known, since the outcome was lost")
    old_ttl: int = Field(description="Seconds, before")
    alias: AliasTo | None = Field(default=None, description="Target now, of an alias")
    old_alias: AliasTo | None = Field(default=None, description="Target before, of an alias")


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

    Replaces the record's values, or the target of an alias, by UPSERT; the record that stood there is kept whole for
    the way back. Refuses when it does not say `from_values` (any more), when it says the new ones already, and for
    weighted records.
    """

    zone: str = Field(description="Id of the hosted zone", min_length=1)
    record: str = Field(description="The name, without its last dot", min_length=1)
    type: str = Field(default="A", description="A, AAAA or CNAME", pattern="^(A|AAAA|CNAME)$")
    values: list[str] = Field(default=[], description="What it shall say", max_length=100)
    alias: AliasTo | None = Field(default=None, description="Instead of values: what it shall be an alias of")
    from_values: list[str] = Field(
        default=[], description='What it must say now ("alias NAME" of an alias); none: whatever it says'
    )
    ttl: int | None = Field(default=None, description="New TTL in seconds; none: as it is", ge=1, le=86400)
    resolver: str | None = Field(default=None, description="Who is asked afterwards; none: only Route 53 itself")

    verify_within_s = 900.0

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.values) == (self.alias is not None):
            raise ValueError("give either values or alias")
        if self.alias is not None and self.type == "CNAME":
            raise ValueError("an alias is of type A or AAAA here")
        return self

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
            effect=f"Point {self.type} {self.record}: {', '.join(now.says)} -> {', '.join(self._wanted())}",
            warnings=(
                f"Resolvers remember the old answer for up to {now.ttl or 60} s; open connections stay where they are.",
            ),
            data_loss_s=None,
            undo=f"Point it back to {', '.join(now.says)}.",
        )

    async def run(self, act: Act) -> Switched:
        """One UPSERT, after one more look."""
        now = await self._now(act)
        new = replace(now, ttl=self.ttl or now.ttl, values=() if self.alias else tuple(self._wanted()),
                      alias=self.alias.made() if self.alias else None)  # fmt: skip
        change = await act.use(Aws).route53_upsert(new, comment=f"muster {act.key}")
        return self._outputs(now, change)

    async def verify(self, world: World, done: Switched) -> Seen:
        """In sync on all of Route 53's servers, and then what the resolver says."""
        return await self._settled(world, done.change, done.values)

    async def reconcile(self, world: World) -> Found:
        """The record itself tells, as long as nobody else changes it."""
        now = await self._record(world.use(AwsReads))
        said = f"{self.type} {self.record} says {', '.join(now.says)}"
        if self._so(now):
            old = replace(now, values=tuple(sorted(self.from_values)), alias=None)
            return Found(happened=True, evidence=f"{said}.", outputs=self._outputs(old, ""))
        if self.from_values and self._was(now):
            return Found(happened=False, evidence=f"{said}, as before.")
        return Found(happened=None, evidence=f"{said}, which is neither the old nor the new value.")

    async def undo(self, act: Act, done: Switched) -> Outputs:
        """The old record again, whole."""
        now = await self._record(act.use(AwsReads))
        self._still(now, done)
        old = replace(now, ttl=done.old_ttl, values=() if done.old_alias else tuple(done.old_values),
                      alias=done.old_alias.made() if done.old_alias else None)  # fmt: skip
        change = await act.use(Aws).route53_upsert(old, comment=f"muster {act.key}")
        return Switched(
            change=change, zone=done.zone, name=done.name, type=done.type, values=done.old_values, ttl=done.old_ttl,
            old_values=done.values, old_ttl=done.ttl, alias=done.old_alias, old_alias=done.alias,
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
        said = f"{self.type} {self.record} says {', '.join(now.says)}."
        back = sorted(now.says) == sorted(done.old_values)
        return Found(
            happened=True if back else False if sorted(now.says) == sorted(done.values) else None, evidence=said
        )

    def say(self, done: Switched) -> str:
        """name: old -> new."""
        return f"{done.type} {done.name}: {', '.join(done.old_values) or 'not known'} -> {', '.join(done.values)}"

    def _wanted(self) -> list[str]:
        if self.alias:
            return [f"alias {plain(self.alias.name)}"]
        return sorted(value.rstrip(".") for value in self.values)

    def _so(self, now: Record) -> bool:
        """Whether it says what it shall."""
        return now.alias == self.alias.made() if self.alias else sorted(now.says) == self._wanted()

    def _was(self, now: Record) -> bool:
        """Whether it says what it must say now."""
        return sorted(now.says) == sorted(value.rstrip(".") for value in self.from_values)

    async def _record(self, aws: AwsReads) -> Record:
        found = await aws.route53_records(self.zone, self.record, self.type)
        if len(found) != 1 or found[0].set_identifier:
            kind = "weighted" if found else "not there"
            todo = "Use aws.route53_weights." if kind == "weighted" else "Look at it in Route 53 first."
            raise Refused(f"{self.type} {self.record} in {self.zone} is {kind}; it was not changed.", todo=todo)
        return found[0]

    async def _now(self, world: World) -> Record:
        """The record, when it may be changed. Raises Refused."""
        now = await self._record(world.use(AwsReads))
        if self._so(now):
            raise Refused(
                f"{self.type} {self.record} says {', '.join(now.says)} already.", todo="Nothing is to be done."
            )
        if self.from_values and not self._was(now):
            raise Refused(
                f"{self.type} {self.record} says {', '.join(now.says)}, not {', '.join(self.from_values)}: somebody "
                "changed it. It was left alone.",
                todo="Find out who, then ask again with what it says now.",
            )
        return now

    def _still(self, now: Record, done: Switched) -> None:
        if not done.old_values:
            raise Refused(
                f"What {done.type} {done.name} said before is not known: the outcome was lost. Nothing was changed.",
                todo="Point it back by a step of its own, with `values`.",
            )
        if done.old_alias is None and any(one.startswith("alias ") for one in done.old_values):
            raise Refused(f"The zone of {done.old_values[0]} is not known: the outcome was lost. Nothing was changed.",
                          todo="Point it back by a step of its own, with that zone.")  # fmt: skip
        if sorted(now.says) != sorted(done.values):
            raise Refused(
                f"{done.type} {done.name} says {', '.join(now.says)} by now, not what this step wrote. "
                "It was left alone.",
                todo="Change it by a step of its own.",
            )

    async def _settled(self, world: World, change: str, values: list[str]) -> Seen:
        wanted = sorted(values)
        if change and not await world.use(AwsReads).route53_in_sync(change):
            return Seen(ok=None, text="not in sync on all of Route 53's servers yet", again_in=2.0)
        now = await self._record(world.use(AwsReads))
        if sorted(now.says) != wanted:
            return Seen(ok=False, text=f"{self.record} says {', '.join(now.says)}: somebody changed it since")
        if self.resolver is None:
            return Seen(ok=True, text=f"in sync: {', '.join(wanted)}")
        heard = await world.use(DnsReads).ask(self.record, self.type, self.resolver)
        if now.alias:  # a balancer answers with some of its addresses, and others a moment later
            target = await world.use(DnsReads).ask(now.alias.name, self.type, self.resolver)
            right = bool({*heard.values} & {*target.values})
        else:
            right = sorted(heard.values) == wanted
        if not right:
            return Seen(
                ok=None, text=f"{self.resolver} still says {', '.join(heard.values) or 'nothing'}", again_in=2.0
            )
        return Seen(ok=True, text=f"{self.resolver} says {', '.join(wanted)}")

    def _outputs(self, old: Record, change: str) -> Switched:
        return Switched(
            change=change, zone=self.zone, name=self.record, type=self.type, values=self._wanted(),
            ttl=self.ttl or old.ttl, old_values=list(old.says), old_ttl=old.ttl, alias=self.alias,
            old_alias=AliasTo.of(old.alias),
        )  # fmt: skip
