"""`kubernetes.isolate_namespace`: nothing in, nothing out."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import Cluster, Namespace, by_note, listed, untouched
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import NetworkRule
from playbooks.errors import Refused

POLICY = "muster-isolate"
SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
ENFORCED = "Whether it is enforced is up to the cluster's network plugin, and open connections may live on."


class Isolated(Outputs):
    """Which namespace is closed."""

    namespace: str = Field(default="", description="The namespace")
    policy: str = Field(default=POLICY, description="Name of the network policy that closes it")


@action(
    "kubernetes.isolate_namespace",
    risk=Risk.CONTAIN,
    again=Again.NEVER,
    needs=("kubernetes:namespaces.get", "kubernetes:networkpolicies.list", "kubernetes:networkpolicies.create",
           "kubernetes:networkpolicies.delete"),
    result=Isolated,
)  # fmt: skip
class IsolateNamespace(Action):
    """Cut a namespace off the network

    Example: {uses: kubernetes.isolate_namespace, with: {namespace: production, leave: [allow-forensics]}}

    Creates a network policy that lets nothing into or out of its pods. Policies add up: what another one allows stays
    allowed, so it refuses while there are others, but for those in `leave`. Refuses the cluster's own namespaces and
    the one Muster runs in. Nothing is deleted.
    """

    namespace: Namespace
    leave: list[str] = Field(default=[], description="Network policies whose traffic stays allowed on purpose")
    cluster: Cluster = ""

    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says what stays allowed."""
        await self._check(world)
        but = f" but what {', '.join(sorted(self.leave))} allow" if self.leave else ""
        return Plan(
            targets=(await self._target(world),),
            effect=f"Deny all traffic into and out of namespace {self.namespace}{but} (network policy {POLICY})",
            warnings=(f"Everything in {self.namespace} stops serving, and reaches nothing, not even names (DNS).",),
            notes=(ENFORCED,),
            undo="Remove the policy, with the full quorum.",
        )

    async def run(self, act: Act) -> Isolated:
        """Create the policy. Looks once more first."""
        await self._check(act)
        await act.use(Kubernetes).isolate(self.namespace, POLICY, {"key": act.key}, self.cluster)
        return Isolated(namespace=self.namespace)

    async def verify(self, world: World, done: Isolated) -> Seen:
        """The policy stands, and no other one lets anything through. Traffic itself cannot be seen from here."""
        rules = await self._rules(world)
        if not any(rule.name == POLICY for rule in rules):
            return Seen(ok=False, text=f"{POLICY} is not there any more: {self.namespace} is open")
        if others := self._open(rules):
            return Seen(ok=False, text=f"{listed(others)} let traffic through besides {POLICY}")
        return Seen(ok=True, text=f"{POLICY} closes {self.namespace}. {ENFORCED}")

    async def reconcile(self, world: World) -> Found:
        """The policy is there, made by this attempt, or it is not."""
        rule = next((one for one in await self._rules(world) if one.name == POLICY), None)
        if rule is None:
            return untouched(world, f"{self.namespace} has no {POLICY}")
        return by_note(world, rule.change, f"{self.namespace}/{POLICY}", Isolated(namespace=self.namespace))

    async def undo(self, act: Act, done: Isolated) -> Isolated:
        """Remove the policy. Opening what was closed takes the full quorum."""
        await act.use(Kubernetes).remove_rule(await self._ours(act), self.cluster)
        return Isolated(namespace=self.namespace)

    async def plan_undo(self, world: World, done: Isolated) -> Plan:
        """Refuses when it is gone already."""
        await self._ours(world)
        effect = f"Remove network policy {POLICY}: namespace {self.namespace} is open again"
        return Plan(targets=(await self._target(world),), effect=effect, undo="Isolate it again.",
                    warnings=("Whatever it was cut off for reaches it, and is reached, again.",))  # fmt: skip

    async def verify_undo(self, world: World, done: Isolated) -> Seen:
        """The policy is gone."""
        there = any(rule.name == POLICY for rule in await self._rules(world))
        return Seen(ok=None if there else True, text=f"{POLICY} is {'still there' if there else 'gone'}")

    async def reconcile_undo(self, world: World, done: Isolated) -> Found:
        """It is gone, or it stayed."""
        if not any(rule.name == POLICY for rule in await self._rules(world)):
            return Found(True, f"{self.namespace} has no {POLICY} any more.", Isolated(namespace=self.namespace))
        return untouched(world, f"{self.namespace} still has {POLICY}")

    async def _rules(self, world: World) -> list[NetworkRule]:
        return await world.use(KubernetesReads).network_rules(self.namespace, self.cluster)

    async def _target(self, world: World) -> str:
        return f"kubernetes:{await world.use(KubernetesReads).cluster(self.cluster)}/namespace/{self.namespace}"

    def _open(self, rules: list[NetworkRule]) -> list[str]:
        return [rule.name for rule in rules if rule.allows and rule.name not in (*self.leave, POLICY)]

    async def _ours(self, world: World) -> NetworkRule:
        for rule in await self._rules(world):
            if rule.name == POLICY:
                return rule
        raise Refused(f"{self.namespace} has no {POLICY} any more.", todo="There is nothing to take back.")

    async def _check(self, world: World) -> None:
        reads = world.use(KubernetesReads)
        if self.namespace in SYSTEM:
            raise Refused(f"{self.namespace} is the cluster's own: without it nothing in the cluster works.",
                          todo="Isolate the namespace that is affected.")  # fmt: skip
        if self.namespace == await reads.own_namespace(self.cluster):
            raise Refused(f"Muster itself runs in {self.namespace}: it could not be reached, nor open it again.",
                          todo="Do this one by hand.")  # fmt: skip
        await reads.has_namespace(self.namespace, self.cluster)
        rules = await self._rules(world)
        if any(rule.name == POLICY for rule in rules):
            raise Refused(f"{self.namespace} has {POLICY} already.", todo="There is nothing to close.")
        if others := self._open(rules):
            raise Refused(f"{listed(others)} would still let traffic into or out of {self.namespace}.",
                          todo="Remove what must not stay allowed; name the rest in `leave`.")  # fmt: skip

    def say(self, done: Isolated) -> str:
        """production is cut off the network."""
        return f"{done.namespace} is cut off the network ({done.policy})"
