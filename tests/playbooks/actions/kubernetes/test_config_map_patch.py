"""`kubernetes.config_map_patch`: exact words without secrets, one patch, and back to what it said before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from bot.sandbox.kubernetes.seed import PASSWORD_URL
from playbooks.action import Again, Risk
from playbooks.actions.clusters import SETTLED_S
from playbooks.actions.kubernetes.config_map_patch import ConfigMapPatch, Patched
from playbooks.connectors.kubernetes import Kubernetes
from playbooks.errors import NotYet, Refused, Temporary, Uncertain

PATCH = "patch configmaps"
SECONDARY = "postgresql://app:geheim@replica/app"
FLAG = ConfigMapPatch(namespace="production", config_map="app-config", values={"NEW_CHECKOUT": "off", "LIMIT": "5"})
MOVE = ConfigMapPatch.model_validate({
    "namespace": "production", "config_map": "app-config", "before": {"DATABASE_URL": "env://PRIMARY_DSN"},
    "values": {"DATABASE_URL": "env://SECONDARY_DSN", "LOG_LEVEL": "info"},
})  # fmt: skip


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMARY_DSN", PASSWORD_URL)
    monkeypatch.setenv("SECONDARY_DSN", SECONDARY)


async def data(sb: SandboxClient) -> dict[str, str]:
    return dict((await sb.kubernetes())["config_maps"]["production/app-config"])


async def test_a_flag_there_and_back(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any) -> None:
    plan = await FLAG.plan(world(kube))
    said = 'LIMIT: (no such key) -> "5"; NEW_CHECKOUT: "on" -> "off"'
    assert sorted(plan.effect.split(": ", 1)[1].split("; ")) == said.split("; ")
    assert plan.effect.startswith("Set in config map production/app-config: ")
    assert plan.targets == ("kubernetes:sandbox/production/configmap/app-config",)
    assert (FLAG.risk, FLAG.again) == (Risk.RECOVERABLE, Again.NEVER) and "after a restart" in plan.warnings[0]
    assert await effects("kubernetes", PATCH) == 0
    done = await FLAG.run(act(kube))
    assert done.before == {"NEW_CHECKOUT": "on", "LIMIT": None} and set(done.changed) == set(done.before)
    assert (await FLAG.verify(world(kube), done)).ok and (await data(sb))["NEW_CHECKOUT"] == "off"
    assert (await FLAG.plan(world(kube))).effect.startswith("Leave config map production/app-config as it is")
    assert (await FLAG.run(act(kube))).changed == () and await effects("kubernetes", PATCH) == 1
    assert (await FLAG.verify_undo(world(kube), done)).ok is False
    assert "LIMIT: (no such key)" in (await FLAG.plan_undo(world(kube), done)).effect
    await FLAG.undo(act(kube, key="key-2"), done)
    assert (await data(sb))["NEW_CHECKOUT"] == "on" and "LIMIT" not in await data(sb)
    assert (await FLAG.verify_undo(world(kube), done)).ok
    assert (await FLAG.reconcile_undo(world(kube, key="key-2"), done)).happened
    with pytest.raises(Refused, match="were changed since"):
        await FLAG.plan_undo(world(kube), done)
    assert (await FLAG.verify(world(kube), done)).ok is False
    with pytest.raises(Refused, match="changed nothing"):
        await FLAG.plan_undo(world(kube), Patched())


async def test_a_secret_is_named_and_never_shown(act: Any, world: Any, kube: Kubernetes, sb: SandboxClient) -> None:
    plan = await MOVE.plan(world(kube))
    assert plan.effect == (
        "Set in config map production/app-config: DATABASE_URL: (not shown) -> the secret env://SECONDARY_DSN"
    )
    done = await MOVE.run(act(kube))
    assert done == Patched(config_map="production/app-config", changed=("DATABASE_URL",), before={})
    assert (await data(sb))["DATABASE_URL"] == SECONDARY and (await MOVE.verify(world(kube), done)).ok
    told = [done.model_dump_json(), MOVE.model_dump_json(), repr(MOVE), plan.model_dump_json(),
            json.dumps((await kube.config_map("production", "app-config")).change)]  # fmt: skip
    assert not any("geheim" in text or "sandbox-db-password" in text for text in told)
    assert ConfigMapPatch.model_validate(json.loads(MOVE.model_dump_json())) == MOVE
    await MOVE.undo(act(kube), done)
    assert (await data(sb))["DATABASE_URL"] == PASSWORD_URL


async def test_without_before_a_secret_cannot_be_set_back(act: Any, world: Any, kube: Kubernetes) -> None:
    blind = MOVE.model_copy(update={"before": {}})
    assert "Without `before` for DATABASE_URL" in (await blind.plan(world(kube))).undo
    done = await blind.run(act(kube))
    with pytest.raises(Refused, match="is not kept"):
        await blind.plan_undo(world(kube), done)


@pytest.mark.parametrize(
    "values", [{"DATABASE_URL": SECONDARY}, {"API_TOKEN": "abcdef123"}, {"a b": "x"}, {}, {"A": 1}, {"K": "env://"}]
)
def test_what_is_not_taken(values: Any) -> None:
    with pytest.raises(ValidationError) as wrong:
        ConfigMapPatch(namespace="n", config_map="c", values=values)
    assert "geheim" not in str(wrong.value.errors(include_input=False))
    with pytest.raises(ValidationError, match="not set"):
        ConfigMapPatch.model_validate(
            {"namespace": "n", "config_map": "c", "values": {"A": "1"}, "before": {"B": "env://B"}}
        )


async def test_it_refuses_when_it_cannot(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIMARY_DSN", "another")
    for call in (MOVE.plan(world(kube)), MOVE.run(act(kube))):
        with pytest.raises(Refused, match="do not say what `before` refers to"):
            await call
    place = {"resource": "configmaps", "namespace": "production", "name": "app-config"}
    await sb.kube("change", **place, merge={"immutable": True})
    with pytest.raises(Refused, match="is immutable"):
        await FLAG.plan(world(kube))
    assert await effects("kubernetes", PATCH) == 0


async def test_a_lost_answer_is_looked_for(
    act: Any, world: Any, kube: Kubernetes, sb: SandboxClient, effects: Any
) -> None:
    for mode, error in (("429", Temporary), ("error:Forbidden", Refused), ("reset", Uncertain)):
        await sb.fail("kubernetes", PATCH, mode)
        with pytest.raises(error):
            await FLAG.run(act(kube))
    with pytest.raises(NotYet):
        await FLAG.reconcile(world(kube))
    assert (await FLAG.reconcile(world(kube, later_s=SETTLED_S + 1))).happened is False
    assert await effects("kubernetes", PATCH) == 0
    await sb.fail("kubernetes", PATCH, "timeout_after")
    with pytest.raises(Uncertain):
        await FLAG.run(act(kube))
    found = await FLAG.reconcile(world(kube))
    assert found.happened and isinstance(found.outputs, Patched)
    assert found.outputs.before == {"NEW_CHECKOUT": "on", "LIMIT": None}
    assert await effects("kubernetes", PATCH) == 1
