"""`kubernetes.config_map_patch`: keys of a config map get other values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.clusters import Cluster, Name, Namespace, by_note
from playbooks.changes import UNKNOWN, Change, said
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.kubernetes_shapes import ConfigMap
from playbooks.errors import Refused
from playbooks.host_commands import masked
from playbooks.secrets import SecretRef

KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
SHOWN = 200  # characters of an old value on a card
KEPT = 1000  # characters of an old value in the outputs: longer ones are not kept
PLAIN = frozenset({"", "true", "false", "on", "off", "yes", "no", "enabled", "disabled"})
Value = SecretRef | str


class Patched(Outputs):
    """Which keys changed."""

    config_map: str = Field(default="", description="namespace/name")
    changed: tuple[str, ...] = Field(default=(), description="Keys that got another value")
    before: dict[str, str | None] = Field(
        default={}, description="Their values before, None where there was no such key; secret-like ones are left out"
    )


@action(
    "kubernetes.config_map_patch",
    risk=Risk.RECOVERABLE,
    again=Again.NEVER,
    needs=("kubernetes:configmaps.get", "kubernetes:configmaps.patch"),
    result=Patched,
)
class ConfigMapPatch(Action):
    """Set keys of a config map

    Example: {uses: kubernetes.config_map_patch, with: {namespace: production-dr, config_map: app-config,
      values: {DATABASE_URL: "env://SECONDARY_DSN"}, before: {DATABASE_URL: "env://PRIMARY_DSN"}}}

    A value is text or a reference to a secret; text that looks like a secret is refused. Old values that look like one
    are not kept anywhere: give them in `before`, as references, so that it can be undone. Keys that say so already are
    left as they are.
    """

    namespace: Namespace
    config_map: Name = Field(description="Name of the config map")
    values: dict[str, Value] = Field(description="Keys and what they should say: text, or env://…, secret://…",
                                     min_length=1, max_length=50)  # fmt: skip
    before: dict[str, SecretRef] = Field(
        default={}, description="What secret-like keys say now, as references: what undo writes back"
    )
    cluster: Cluster = ""

    verify_within_s = 30.0

    @field_validator("values", mode="before")
    @classmethod
    def _references(cls, values: object) -> object:
        """Text that is a reference is one, whichever type is tried first."""
        if not isinstance(values, Mapping):
            return values
        return {key: SecretRef(value) if isinstance(value, str) and _is_reference(value) else value
                for key, value in values.items()}  # fmt: skip

    @model_validator(mode="after")
    def _safe(self) -> ConfigMapPatch:
        for key, value in self.values.items():
            if not KEY.fullmatch(key):
                raise ValueError(f"{key[:40]!r} is no key of a config map")
            if isinstance(value, str) and secret_like(key, value):
                raise ValueError(f"the value of {key} looks like a secret; give a reference (env://…, secret://…)")
        if unknown := sorted(set(self.before) - set(self.values)):
            raise ValueError(f"before names keys that are not set: {', '.join(unknown)}")
        return self

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """Each key that changed, as far as its old value is known: as text, or as the reference given for it."""
        values, given, kept = params.get("values") or {}, params.get("before") or {}, outputs.get("before") or {}
        place = f"kubernetes {params.get('cluster', '')}/{outputs.get('config_map')}"
        old = given | kept
        return tuple(
            Change(f"{place} {key}", said(old[key]) if key in old else UNKNOWN, said(values.get(key)))
            for key in outputs.get("changed") or ()
        )

    async def plan(self, world: World) -> Plan:
        """Says which keys change from what to what. No secret is shown."""
        config, changed = await self._check(world)
        where = f"config map {config.namespace}/{config.name}"
        target = (await self._target(world),)
        if not changed:
            return Plan(targets=target, effect=f"Leave {where} as it is: {', '.join(self.values)} say so already")
        said = "; ".join(self._change(config, key) for key in changed)
        lost = [key for key in changed if key not in self._kept(config, changed) and key not in self.before]
        undo = f"Without `before` for {', '.join(lost)} it cannot be undone." if lost else "Set the old values again."
        return Plan(
            targets=target,
            effect=f"Set in {where}: {said}",
            warnings=("Pods that read it as environment see it after a restart (kubernetes.rollout_restart); "
                      "files mounted from it change by themselves within minutes.",),
            undo=undo,
        )  # fmt: skip

    async def run(self, act: Act) -> Patched:
        """Set what differs. Looks once more first: approvals take time."""
        config, changed = await self._check(act)
        done = Patched(config_map=f"{config.namespace}/{config.name}", changed=changed,
                       before=self._kept(config, changed))  # fmt: skip
        if changed:
            values = {key: self.values[key] for key in changed}
            await self._set(act, config, values, done)
        return done

    async def _set(self, act: Act, config: ConfigMap, values: Mapping[str, Value | None], done: Patched) -> None:
        note = {"key": act.key, "changed": list(done.changed), "before": done.before}
        await act.use(Kubernetes).patch_config_map(config, values, note, self.cluster)

    async def verify(self, world: World, done: Patched) -> Seen:
        """Every key says what it should."""
        config = await self._seen(world)
        wrong = await world.use(KubernetesReads).differing(config, self.values)
        if wrong:
            return Seen(ok=False, text=f"{', '.join(wrong)} of {self.config_map} say something else by now")
        return Seen(ok=True, text=f"{', '.join(self.values)} of {self.config_map} say what they should")

    async def reconcile(self, world: World) -> Found:
        """The note on the config map says which attempt changed it last."""
        config = await self._seen(world)
        told = config.change
        place = f"{config.namespace}/{config.name}"
        done = Patched(config_map=place, changed=tuple(told.get("changed", ())), before=told.get("before", {}))
        return by_note(world, told, place, done)

    async def undo(self, act: Act, done: Patched) -> Patched:
        """Set the old values again, and take out keys that were not there."""
        config, values = await self._back(act, done)
        after = Patched(config_map=f"{config.namespace}/{config.name}", changed=tuple(values))
        await self._set(act, config, values, after)
        return after

    async def plan_undo(self, world: World, done: Patched) -> Plan:
        """Refuses when an old value is not known, or somebody changed a key since."""
        config, values = await self._back(world, done)
        said = "; ".join(f"{key}: {_word(value)}" for key, value in values.items())
        return Plan(targets=(await self._target(world),), undo="Set it again; it is the same action.",
                    effect=f"Set back in config map {config.namespace}/{config.name}: {said}")  # fmt: skip

    async def verify_undo(self, world: World, done: Patched) -> Seen:
        """Every key says what it said before."""
        wrong = await world.use(KubernetesReads).differing(await self._seen(world), self._old(done))
        if wrong:
            return Seen(ok=False, text=f"{', '.join(wrong)} of {self.config_map} do not say what they said before")
        return Seen(ok=True, text=f"{', '.join(done.changed)} of {self.config_map} say what they said before")

    async def reconcile_undo(self, world: World, done: Patched) -> Found:
        """As `reconcile`."""
        return await self.reconcile(world)

    async def _seen(self, world: World) -> ConfigMap:
        return await world.use(KubernetesReads).config_map(self.namespace, self.config_map, self.cluster)

    async def _target(self, world: World) -> str:
        cluster = await world.use(KubernetesReads).cluster(self.cluster)
        return f"kubernetes:{cluster}/{self.namespace}/configmap/{self.config_map}"

    async def _check(self, world: World) -> tuple[ConfigMap, tuple[str, ...]]:
        """The config map, and the keys that say something else than they should."""
        config, reads = await self._seen(world), world.use(KubernetesReads)
        changed = await reads.differing(config, self.values)
        if changed and config.immutable:
            raise Refused(f"{self.namespace}/{self.config_map} is immutable.", todo="Deploy another one in its place.")
        given = {key: ref for key, ref in self.before.items() if key in changed}
        if wrong := await reads.differing(config, given):
            raise Refused(f"{', '.join(wrong)} of {self.config_map} do not say what `before` refers to.",
                          todo="Look which value is in use; undo would write another one.")  # fmt: skip
        return config, changed

    async def _back(self, world: World, done: Patched) -> tuple[ConfigMap, dict[str, Value | None]]:
        config = await self._seen(world)
        old = self._old(done)
        if not done.changed:
            raise Refused(f"This step changed nothing in {self.config_map}.", todo="There is nothing to take back.")
        if lost := [key for key in done.changed if key not in old]:
            raise Refused(f"What {', '.join(lost)} said before is not kept: it looked like a secret.",
                          todo="Set it by this action, with a reference.")  # fmt: skip
        ours = {key: self.values[key] for key in done.changed}
        if wrong := await world.use(KubernetesReads).differing(config, ours):
            raise Refused(
                f"{', '.join(wrong)} of {self.config_map} were changed since.", todo="Look what they say now."
            )
        return config, old

    def _old(self, done: Patched) -> dict[str, Value | None]:
        known: dict[str, Value | None] = {**done.before, **self.before}
        return {key: known[key] for key in done.changed if key in known}

    def _kept(self, config: ConfigMap, changed: tuple[str, ...]) -> dict[str, str | None]:
        """Old values that may be kept."""
        return {key: config.data.get(key) for key in changed if _may_show(key, config.data.get(key), KEPT)}

    def _change(self, config: ConfigMap, key: str) -> str:
        old = config.data.get(key)
        before = _word(old) if _may_show(key, old, SHOWN) else "(not shown)"
        return f"{key}: {before} -> {_word(self.values[key])}"

    def say(self, done: Patched) -> str:
        """app-config: NEW_CHECKOUT set."""
        return f"{done.config_map}: {', '.join(done.changed) or 'nothing'} set"


def secret_like(key: str, value: str) -> bool:
    """Whether a value is, or by its name must be taken for, a secret."""
    line = f"{key}={value}"
    return value.lower() not in PLAIN and masked(line) != line


def _is_reference(value: str) -> bool:
    return value.startswith(("env://", "secret://"))


def _may_show(key: str, value: str | None, most: int) -> bool:
    return value is None or (len(value) <= most and not secret_like(key, value))


def _word(value: Value | None) -> str:
    """A value as a card says it."""
    if value is None:
        return "(no such key)"
    return f"the secret {value}" if isinstance(value, SecretRef) else json.dumps(value, ensure_ascii=False)
