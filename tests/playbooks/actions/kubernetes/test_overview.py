"""`kubernetes.overview`: nodes, pods in trouble, usage where it is known."""

from __future__ import annotations

from typing import Any

from bot.sandbox.client import SandboxClient
from playbooks.actions.kubernetes.overview import Overview
from playbooks.connectors.kubernetes import Kubernetes

STEP = Overview(namespace="production")


async def test_it_sees_what_is_wrong(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    seen = await STEP.look(world(kube))
    assert (seen.nodes_ready, seen.nodes_total, seen.pods_ready, seen.pods_total) == (3, 3, 6, 6)
    assert seen.nodes[0] == "node-a: ready, 35% cpu, 35% memory" and seen.metrics and not seen.warnings
    assert seen.usage[0].endswith(": 0.12 cores, 256 MiB")
    assert STEP.say(seen) == "3 of 3 nodes fine, 6 of 6 pods of production ready"
    await sb.kube("fill", node="node-b")
    await kube.set_schedulable(await kube.node("node-c"), False, {})
    (crashed,) = await sb.kube("crash", namespace="production", name="atlantic-api", reason="OOMKilled", count=1)
    await sb.kube("metrics", on=False)
    seen = await STEP.look(world(kube))
    assert seen.nodes[1:] == ("node-b: ready, MemoryPressure, DiskPressure", "node-c: ready, cordoned")
    assert (seen.nodes_ready, seen.pods_ready, seen.metrics, seen.usage) == (1, 5, False, ())
    assert crashed["name"] in STEP.say(seen) and "BackOff" in seen.warnings[0]
    await sb.kube("metrics", on=True)
    await sb.fail("kubernetes", "list metrics/nodes", "503")
    assert not (await STEP.look(world(kube))).metrics  # its server is away; everything else is still said
