"""`aws.route53_weights`: shift a part of a name's answers from one place to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.aws import Aws, AwsReads, Record
from playbooks.connectors.dns import DnsReads
from playbooks.errors import Refused


class Weighted(Outputs):
    """The weights before and after, by set identifier."""

    change: str = Field(description="Id of the change, empty when it was found afterwards")
    weights: dict[str, int] = Field(description="Set identifier -> weight, now")
    old_weights: dict[str, int] = Field(description="Set identifier -> weight, before; empty where that is not known")


@action(
    "aws.route53_weights",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets", "route53:GetChange"),
    result=Weighted,
)
class Route53Weights(Action):
    """Shift weighted DNS records

    Example: {uses: aws.route53_weights, with: {zone: Z1, record: a.example.com, weights: {primary: 90, secondary: 10}}}

    Only the weights change, all of them at once: values, aliases, TTL and health checks stay. Refuses records that are
    not weighted, identifiers that are not there, and weights that are all 0, since Route 53 then answers with all of
    them alike.
    """

    zone: str = Field(description="Id of the hosted zone", min_length=1)
    record: str = Field(description="The name, without its last dot", min_length=1)
    type: str = Field(default="A", description="A, AAAA or CNAME", pattern="^(A|AAAA|CNAME)$")
    weights: dict[str, int] = Field(description="Set identifier -> weight, 0 to 255", min_length=1, max_length=20)
    resolver: str | None = Field(default=None, description="Who is asked where one place gets all; none: only Route 53")

    verify_within_s = 900.0

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """The weights before and after."""
        old, record = outputs.get("old_weights"), f"{params.get('record')}/{params.get('type', 'A')}"
        return (
            Change(
                f"dns {params.get('zone')} {record} weights",
                said(old) if old else UNKNOWN,
                said(outputs.get("weights")),
            ),
        )

    async def plan(self, world: World) -> Plan:
        """Says from which weights to which."""
        now = await self._now(world)
        ttl = max(one.ttl for one in now.values())
        return Plan(
            targets=(f"dns:{self.record}/{self.type}",),
            effect=f"Weigh {self.type} {self.record}: {_words(_weights(now))} -> "
            f"{_words({**_weights(now), **self.weights})}",
            warnings=(f"Resolvers remember an answer for up to {ttl} s; open connections stay where they are.",),
            undo=f"Weigh it {_words(_weights(now))} again.",
        )

    async def run(self, act: Act) -> Weighted:
        """All changed records in one change, after one more look."""
        now = await self._now(act)
        change = await self._weigh(act, now, self.weights)
        old = _weights(now)
        return Weighted(change=change, weights={**old, **self.weights}, old_weights=old)

    async def verify(self, world: World, done: Weighted) -> Seen:
        """In sync, as written, and where one place gets everything, what the resolver says."""
        return await self._settled(world, done.change, done.weights)

    async def reconcile(self, world: World) -> Found:
        """The weights themselves tell, not what they were before."""
        now = _weights(await self._look(world))
        said = f"{self.type} {self.record} is weighed {_words(now)}."
        if any(now.get(id) != weight for id, weight in self.weights.items()):
            return Found(happened=False, evidence=said)
        return Found(happened=True, evidence=f"{said} What it was before is on the approval.",
                     outputs=Weighted(change="", weights=now, old_weights={}))  # fmt: skip

    async def plan_undo(self, world: World, done: Weighted) -> Plan:
        """Says the way back; refuses when somebody changed it since."""
        self._still(await self._look(world), done)
        back = f"{_words(done.weights)} -> {_words(done.old_weights)}"
        return Plan(targets=(f"dns:{self.record}/{self.type}",), effect=f"Weigh {self.type} {self.record} back: {back}")

    async def undo(self, act: Act, done: Weighted) -> Weighted:
        """The old weights again; values that somebody changed meanwhile stay."""
        now = await self._look(act)
        self._still(now, done)
        change = await self._weigh(act, now, done.old_weights)
        return Weighted(change=change, weights=done.old_weights, old_weights=done.weights)

    async def verify_undo(self, world: World, done: Weighted) -> Seen:
        """As verify, with the old weights."""
        return await self._settled(world, "", done.old_weights)

    async def reconcile_undo(self, world: World, done: Weighted) -> Found:
        """The weights tell."""
        now = _weights(await self._look(world))
        return Found(now == done.old_weights, f"{self.type} {self.record} is weighed {_words(now)}.")

    def say(self, done: Weighted) -> str:
        """name: old -> new."""
        before = _words(done.old_weights) if done.old_weights else "as before"
        return f"{self.type} {self.record}: {before} -> {_words(done.weights)}"

    async def _look(self, world: World) -> dict[str, Record]:
        """The weighted records, by their identifier. Raises Refused."""
        found = await world.use(AwsReads).route53_records(self.zone, self.record, self.type)
        plain = [one for one in found if not one.set_identifier or one.weight is None]
        if not found or plain:
            kind = "not weighted" if plain else "not there"
            raise Refused(f"{self.type} {self.record} in {self.zone} is {kind}; it was not changed.",
                          todo="Use aws.route53_switch for a plain record." if plain else
                          "Look at it in Route 53 first.")  # fmt: skip
        return {one.set_identifier: one for one in found}

    async def _now(self, world: World) -> dict[str, Record]:
        """The records, when they may be weighed so. Raises Refused."""
        now = await self._look(world)
        if unknown := sorted(set(self.weights) - set(now)):
            raise Refused(f"{self.record} has no record {', '.join(unknown)}, only {', '.join(sorted(now))}. Nothing "
                          "was changed.", todo="Name those that are there.")  # fmt: skip
        if wrong := [weight for weight in self.weights.values() if not 0 <= weight <= 255]:
            raise Refused(f"A weight is 0 to 255, not {wrong[0]}. Nothing was changed.")
        wanted = {**_weights(now), **self.weights}
        if not any(wanted.values()):
            raise Refused("With all weights 0 Route 53 answers with all of them alike. Nothing was changed.",
                          todo="Give at least one a weight.")  # fmt: skip
        if wanted == _weights(now):
            raise Refused(f"{self.record} is weighed {_words(wanted)} already.", todo="Nothing is to be done.")
        return now

    async def _weigh(self, act: Act, now: Mapping[str, Record], weights: Mapping[str, int]) -> str:
        changed = [replace(now[id], weight=weight) for id, weight in weights.items() if now[id].weight != weight]
        return await act.use(Aws).route53_upsert(*changed, comment=f"muster {act.key}")

    def _still(self, now: Mapping[str, Record], done: Weighted) -> None:
        if not done.old_weights:
            raise Refused("The weights before are not known: its outcome was lost. Nothing was changed.",
                          todo="The approval card says what they were; ask for that as a step.")  # fmt: skip
        if _weights(now) != done.weights:
            raise Refused(f"{self.record} is weighed {_words(_weights(now))} by now: somebody changed it since. It was "
                          "left alone.", todo="Change it by a step of its own.")  # fmt: skip

    async def _settled(self, world: World, change: str, weights: Mapping[str, int]) -> Seen:
        if change and not await world.use(AwsReads).route53_in_sync(change):
            return Seen(ok=None, text="not in sync on all of Route 53's servers yet", again_in=2.0)
        now = await self._look(world)
        if _weights(now) != weights:
            return Seen(ok=False, text=f"{self.record} is weighed {_words(_weights(now))}: somebody changed it since")
        taking = [id for id, weight in weights.items() if weight]
        if self.resolver is None or len(taking) != 1 or now[taking[0]].alias:
            return Seen(ok=True, text=f"in sync: {_words(weights)}")
        heard = await world.use(DnsReads).ask(self.record, self.type, self.resolver)
        if sorted(heard.values) != sorted(now[taking[0]].values):
            said = ", ".join(heard.values) or "nothing"
            return Seen(ok=None, text=f"{self.resolver} still says {said}", again_in=2.0)
        return Seen(ok=True, text=f"{self.resolver} says {', '.join(heard.values)}")


def _weights(records: Mapping[str, Record]) -> dict[str, int]:
    return {id: one.weight or 0 for id, one in records.items()}


def _words(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{id} {weight}" for id, weight in sorted(weights.items()))
