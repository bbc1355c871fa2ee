"""`kubernetes.logs`: the last lines of those in trouble first, without secrets, and who has none."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.kubernetes.logs import KEPT, Logs
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import Refused, Temporary

STEP = Logs(namespace="production", selector="app=api", tail=100)
API: dict[str, Any] = {"namespace": "production", "name": "atlantic-api"}


async def test_the_pods_in_trouble_come_first(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    (crashed,) = await sb.kube("crash", **API, reason="OOMKilled", count=1)
    seen = await STEP.look(world(kube))
    assert seen.pods[0] == crashed["name"] and len(seen.pods) == 3 and (seen.without, seen.more) == ((), 0)
    assert seen.text.startswith(f"== {crashed['name']}\n") and "FATAL out of memory" in seen.text
    assert STEP.say(seen).startswith(f"Logs of {crashed['name']}, ")
    last = Logs(namespace="production", selector="app=api", tail=1, previous=True, most=2)
    seen = await last.look(world(kube))
    assert seen.pods == (crashed["name"],) and seen.more == 1 and "previous terminated" in seen.without[0]
    assert seen.text.splitlines()[1].endswith("FATAL out of memory")


async def test_no_secret_and_no_flood_comes_through(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    lines = ["connect postgresql://app:geheim@db/app", "password=hunter22", "\x1b[31mred", "x" * 200, "last words"]
    await sb.kube("log", **API, lines=["early words", *(["filler " * 20] * 60), *lines])
    seen = await STEP.look(world(kube))
    assert "geheim" not in seen.text and "hunter22" not in seen.text and "\x1b" not in seen.text
    assert len(seen.text) < KEPT + 200 and seen.text.count("last words") == 3 and seen.text.count("[…]") == 3
    assert "early words" not in seen.text
    one_line = Logs(namespace="production", selector="app=api", tail=1)
    await sb.kube("log", **API, lines=["y" * 200_000])
    assert "yyy" in (await one_line.look(world(kube))).text


async def test_who_has_no_log_is_said(world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    await sb.kube("deploy", **API, image="atlantic/api:none", reason="ImagePullBackOff")
    await sb.kube("skip")
    seen = await STEP.look(world(kube))
    assert len(seen.pods) == 3 and "(ImagePullBackOff)" in seen.without[0] and "waiting to start" in seen.without[0]
    with pytest.raises(Refused, match="No pod in production matches app=none"):
        await Logs(namespace="production", selector="app=none").look(world(kube))
    await sb.fail("kubernetes", "get pods/log", "error:Forbidden")
    with pytest.raises(Refused, match="Forbidden"):
        await STEP.look(world(kube))
    await sb.fail("kubernetes", "get pods/log", "429", retry_after=2)
    with pytest.raises(Temporary):
        await STEP.look(world(kube))
