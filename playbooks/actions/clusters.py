"""What actions on Kubernetes share: field types, how a change is recognised, how long to wait for one. No action.

A change leaves a note on the object it changes (`muster/last-change`): the key of the attempt, and what was there
before. So a lost answer is looked up on the object itself, and what somebody else did is never taken for ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from playbooks.action import Action, Found, Outputs, Seen, World
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.connectors.kubernetes_shapes import Deployment, Pod
from playbooks.errors import NotYet

SETTLED_S = (
    60.0  # an API server gives up a request after that (--request-timeout): what is not there then never will be
)
LOOK_S = 31.0  # so that the three looks of a reconcile reach beyond that
MOST = 12  # of a list in words

Cluster = Annotated[
    str,
    BeforeValidator(lambda value: "" if value is None else value),
    Field(description="Context of KUBECONFIG; without it, the site's, else the current one", max_length=253),
]
Namespace = Annotated[str, Field(description="Namespace", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Name = Annotated[str, Field(description="Name", pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]


class OnDeployment(Action):
    """Base of actions on one deployment."""

    namespace: Namespace
    deployment: Name = Field(description="Name of the deployment")
    cluster: Cluster = ""

    async def seen(self, world: World) -> Deployment:
        """The deployment now. Refused when there is none."""
        return await world.use(KubernetesReads).deployment(self.namespace, self.deployment, self.cluster)

    async def target(self, world: World) -> str:
        """The resource, under one name whatever the cluster was called."""
        cluster = await world.use(KubernetesReads).cluster(self.cluster)
        return f"kubernetes:{cluster}/{self.namespace}/deployment/{self.deployment}"

    async def rolled(self, world: World, seen: Deployment, words: str) -> Seen:
        """One look at a rollout, with what is wrong with its pods while it is not done."""
        state = seen.rollout()
        if state.done:
            return Seen(ok=True, text=f"{words}: {state.text}")
        pods = await world.use(KubernetesReads).pods(self.namespace, seen.selector, cluster=self.cluster)
        wrong = "; ".join(troubles(pods)[:3])
        return Seen(ok=state.done, text=f"{words}: {state.text}{f'; {wrong}' if wrong else ''}", again_in=2.0)


def replicas_changed(params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
    """From how many replicas to how many."""
    thing = f"kubernetes {params.get('cluster', '')}/{outputs.get('deployment')} replicas"
    return (Change(thing, said(outputs.get("before")), said(outputs.get("replicas"))),)


def cordoned(params: Mapping[str, Any], *, before: bool | None, after: bool) -> tuple[Change, ...]:
    """Whether a node is closed to new pods. before: None where that is not known."""
    thing = f"kubernetes {params.get('cluster', '')}/{params.get('node')} cordoned"
    return (Change(thing, UNKNOWN if before is None else said(before), said(after)),)


def troubles(pods: list[Pod]) -> list[str]:
    """Pods that are not well, in words: "api-x: CrashLoopBackOff after OOMKilled, 3 restarts"."""
    said = []
    for pod in pods:
        if pod.ready or pod.ended or pod.leaving:
            continue
        last = f" after {pod.last}" if pod.last and pod.last != pod.state else ""
        many = f", {pod.restarts} restart{'s' if pod.restarts > 1 else ''}" if pod.restarts else ""
        said.append(f"{pod.name}: {pod.state}{last}{many}")
    return said


def listed(names: list[str]) -> str:
    """Some of many names, and how many more there are."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def by_note(world: World, change: Mapping[str, Any], what: str, outputs: Outputs | None) -> Found:
    """Whether this attempt changed it, by the note on the object. Asks to be called again while it is too early."""
    if world.key and change.get("key") == world.key:
        return Found(True, f"{what} bears the note of this attempt.", outputs)
    return untouched(world, f"{what} bears no note of this attempt")


def untouched(world: World, words: str) -> Found:
    """It is not there: that means it did not happen, once no request can be under way any more."""
    waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
    if waited >= SETTLED_S:
        return Found(False, f"{words}, {waited:.0f} s after the start.")
    raise NotYet(f"{words}, {waited:.0f} s after the start; a request may still be under way.", again_in=LOOK_S)
