"""What one approval covers: one step exactly as it was looked at, or the steps of a stage in their order.

A step of a stage that has a `constraint` is bound by it: the targets it may touch, its inputs, and what those may turn
out to be that an earlier step will say; any other is bound exactly, if it can be planned now. From the first step that
can be bound neither way, it asks again.
Belongs here: what is bound, and whether that still holds. Does not belong here: asking and the check at the start
(asking.py), which step the approval was used for (spending.py), counting votes (approvals.py).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import TypeAdapter, ValidationError

from playbooks.action import Action, Plan, Risk, find
from playbooks.engine.approvals import join
from playbooks.engine.held import Held
from playbooks.engine.model import Bound
from playbooks.engine.model import Step as Spec
from playbooks.engine.values import KnownLater, as_text, references, resolve, test_plan
from playbooks.errors import MusterError, Refused
from storage.runs import Run, Step
from storage.types import iso

KNOWN, LATER = "$known", "$later"


@dataclass(frozen=True)
class Part:
    """One step of a request: its row, what is bound of it, and what its card shows."""

    step: Step
    bound: Mapping[str, Any]
    shown: Mapping[str, Any]

    @property
    def targets(self) -> tuple[str, ...]:
        """What it touches: locked from the request on."""
        return tuple(self.bound["targets"])


def covers(
    run: Run,
    parts: Sequence[Mapping[str, Any]],
    rule: Mapping[str, Any],
    expires_at: datetime,
    *,
    mode: str,
    overrides: Mapping[str, Any] | None = None,
) -> Any:
    """Everything an approval is bound to. Anything in here changes: another digest, votes void. parts: as `bound`."""
    return {
        "playbook": run.digest,
        "run": run.id,
        "steps": [dict(part) for part in parts],
        "site": run.site,
        "service": run.service,
        "incident": run.incident,
        "kind": run.kind,
        "mode": mode,
        "overrides": dict(overrides) if overrides else None,
        "rule": dict(rule),
        "expires_at": iso(expires_at),
    }


def exact(step: Step, action: Action, plan: Plan) -> Part:
    """A step that was planned: bound to exactly this."""
    params = {"attempt": step.attempt, **action.model_dump(mode="json")}
    bound = {**_who(step, action.version), "params": params, "targets": list(plan.targets), "effect": plan.effect}
    return Part(step, bound, plan.model_dump(mode="json", exclude={"outputs"}))


def _who(step: Step, version: int) -> dict[str, Any]:
    return {"index": step.idx, "id": step.id, "action": step.uses, "version": version}


# --- the rest of a stage ----------------------------------------------------------------------------------------------


def rest_of(held: Held, steps: Sequence[Step], first: Step) -> list[Step]:
    """The steps of the same stage after this one that wait for approval and have not begun."""
    stage = held.spec(first.idx).stage
    found: list[Step] = []
    for step in steps[first.idx :] if stage is not None else ():
        if held.spec(step.idx).stage != stage:
            break
        if Risk(step.risk).destructive and step.state == "pending":
            found.append(step)
    return found


async def bind_rest(
    held: Held, steps: Sequence[Step], scope: Mapping[str, Any], first: Step, now: datetime
) -> tuple[list[Part], str]:
    """What can be bound now of the rest of a stage, and why it ends there ("" when all of it is bound)."""
    parts: list[Part] = []
    unknown = _unknown(held, steps, first)
    for step in rest_of(held, steps, first):
        try:
            part = await _bind(held, step, scope, _before(unknown, step.idx), now)
        except (MusterError, TimeoutError) as error:
            words = str(error) if isinstance(error, MusterError) else "looking at what it would do took too long"
            return parts, f"Step {step.idx} {step.uses} asks by itself: {words}"
        if part is not None:
            parts.append(part)
    return parts, ""


def _unknown(held: Held, steps: Sequence[Step], first: Step) -> dict[str, int]:
    """What no step has said yet, and which one will: path -> step."""
    found: dict[str, int] = {}
    for step in steps[first.idx - 1 :]:
        cls = find(step.uses)
        found[f"steps.{step.id}"] = step.idx
        found |= {f"incident.{fact}": step.idx for fact in (cls.facts if cls else {})}
    return found


def _before(unknown: Mapping[str, int], idx: int) -> dict[str, str]:
    return {path: str(by) for path, by in unknown.items() if by < idx}


async def _bind(
    held: Held, step: Step, scope: Mapping[str, Any], unknown: Mapping[str, str], now: datetime
) -> Part | None:
    """One later step. None: it will not be done, as far as is known. Raises MusterError where it cannot be bound."""
    spec = held.spec(step.idx)
    if spec.if_ is not None and not test_plan(spec.if_, scope, unknown):
        return None
    if spec.constraint is not None:
        return _constrained(spec, step, scope, unknown)
    if waits := _waits(spec.with_, unknown):
        raise Refused(f"{join(sorted(waits))} is known after step {max(waits.values(), key=int)}, without a constraint")
    action = held.action(step, scope)
    async with asyncio.timeout(action.timeout_s):
        return exact(step, action, await action.plan(held.world(now, scope)))


def _constrained(spec: Spec, step: Step, scope: Mapping[str, Any], unknown: Mapping[str, str]) -> Part:
    """Bound by its constraint: targets it may touch, inputs that are known, rules for those that are not."""
    cls, constraint = find(step.uses), spec.constraint
    assert cls is not None and constraint is not None
    waits = _waits(spec.with_, unknown)
    if free := sorted(set(waits) - set(constraint.inputs)):
        raise Refused(f"{join(free)} is known after step {waits[free[0]]}, and its constraint does not bind it")
    targets = [as_text(one) for one in _now(list(constraint.targets), scope, unknown)]
    rules = {name: _rule(cls, name, one, scope, unknown) for name, one in constraint.inputs.items()}
    given = {name: value for name, value in spec.with_.items() if name not in rules}
    known = {name: _field(cls, name, value) for name, value in resolve(given, scope).items()}
    params = {"attempt": step.attempt, KNOWN: known, LATER: rules}
    effect = f"{cls.heading().rstrip('.')}: {', '.join(targets)}{_said(rules)}"
    bound = {**_who(step, cls.version), "params": params, "targets": targets, "effect": effect}
    return Part(step, bound, {"effect": effect, "targets": targets, "warnings": [], "notes": [], "undo": ""})


def _waits(values: Mapping[str, Any], unknown: Mapping[str, str]) -> dict[str, str]:
    """Inputs that read what is not known yet -> the step that will know."""
    prefixes = {tuple(path.split(".")): by for path, by in unknown.items()}
    found = {}
    for name, value in values.items():
        late = [by for path in references(value) for prefix, by in prefixes.items() if path[: len(prefix)] == prefix]
        if late:
            found[name] = max(late, key=int)
    return found


def _now(values: list[Any], scope: Mapping[str, Any], unknown: Mapping[str, str]) -> list[Any]:
    found = resolve(values, scope, unknown)
    if late := [one for one in found if isinstance(one, KnownLater) or "«known after step" in str(one)]:
        raise Refused(f"its constraint reads what is not known yet: {late[0]}")
    return list(found)


def _rule(
    cls: type[Action], name: str, one: Bound, scope: Mapping[str, Any], unknown: Mapping[str, str]
) -> dict[str, Any]:
    if one.one_of is not None:
        return {"one-of": [_field(cls, name, value) for value in _now(list(one.one_of), scope, unknown)]}
    return {"matches": as_text(_now([one.matches], scope, unknown)[0])}


def _field(cls: type[Action], name: str, value: Any) -> Any:
    """A value as the action's field would hold it, as JSON. Raises Refused."""
    info = cls.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(cast(Any, Annotated[cast(Any, info.annotation), info]))
    try:
        return adapter.dump_python(adapter.validate_python(value), mode="json")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Refused(f"`{name}` of {cls.name}: {first['msg']}.") from None


def _said(rules: Mapping[str, Mapping[str, Any]]) -> str:
    words = []
    for name, rule in rules.items():
        known = [as_text(one) for one in rule.get("one-of", ())]
        words.append(f"{name} is {join(known, 'or')}" if known else f"{name} is like {rule['matches']}")
    return f" ({'; '.join(words)})" if words else ""


def staged(stage: str, parts: Sequence[Part], first: Mapping[str, Any]) -> dict[str, Any]:
    """What the card of a stage shows: all its steps with their effects in order, warnings and losses of any of them."""
    every = [part.shown for part in parts]
    losses = [one for one in every if one.get("data_loss_s") is not None or one.get("data_loss")]
    worst = max(losses, key=lambda one: one.get("data_loss_s") or 0, default={})
    steps = [
        {"idx": part.step.idx, "uses": part.step.uses, "risk": part.step.risk, "effect": part.shown["effect"],
         "later": LATER in part.bound["params"]}
        for part in parts
    ]  # fmt: skip
    effects = "; ".join(f"{one['idx']} {one['effect']}" for one in steps)
    return {
        **first,
        "stage": stage,
        "steps": steps,
        "effect": f"Stage {stage}, {len(parts)} steps: {effects}",
        "warnings": list(dict.fromkeys(words for one in every for words in one.get("warnings", ()))),
        "notes": [*first.get("notes", ()), *(words for one in every[1:] for words in one.get("notes", ()))],
        "undo": "; ".join(dict.fromkeys(str(one["undo"]).rstrip(".") for one in every if one.get("undo"))),
        "data_loss": worst.get("data_loss", ""),
        "data_loss_s": worst.get("data_loss_s"),
        "started": [],
        "kept": [],
    }


# --- at the start -----------------------------------------------------------------------------------------------------


def as_now(bound: Mapping[str, Any], step: Step, action: Action, plan: Plan) -> Mapping[str, Any]:
    """What is bound of a step, as it is now: the same as when it was approved, or something with another digest."""
    params = bound["params"]
    if LATER not in params:
        return exact(step, action, plan).bound
    mine = action.model_dump(mode="json")
    inside = bool(plan.targets) and set(plan.targets) <= set(bound["targets"])
    known = all(mine.get(name) == value for name, value in params[KNOWN].items())
    kept = all(_keeps(mine.get(name), rule) for name, rule in params[LATER].items())
    default = all(_is_default(action, name) for name in set(mine) - set(params[KNOWN]) - set(params[LATER]))
    if not (inside and known and kept and default and params["attempt"] == step.attempt):
        return exact(step, action, plan).bound
    return {**bound, **_who(step, action.version)}


def _keeps(value: Any, rule: Mapping[str, Any]) -> bool:
    if "one-of" in rule:
        return value in rule["one-of"]
    pattern = ".*".join(map(re.escape, str(rule["matches"]).split("*")))
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_default(action: Action, name: str) -> bool:
    return bool(getattr(action, name) == type(action).model_fields[name].get_default(call_default_factory=True))
