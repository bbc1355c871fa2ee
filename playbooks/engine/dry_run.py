"""What a playbook would do now: reads for real, plans for the rest, changes nothing.

Belongs here: walking a playbook with what is known, and how often it ran before. Does not belong here: words on a card.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import select

from playbooks.action import Action, Plan, Risk, World, find
from playbooks.durations import words
from playbooks.engine import addressed
from playbooks.engine.held import House
from playbooks.engine.inputs import service_input, site_input
from playbooks.engine.model import Playbook
from playbooks.engine.model import Step as Spec
from playbooks.engine.placing import active_site
from playbooks.engine.scope import incident_scope, organisation, places, service_of
from playbooks.engine.values import KnownLater, resolve, test_plan
from playbooks.errors import MusterError, Refused
from storage.db import Tx
from storage.tables import runs

State = Literal["ok", "held", "refused", "later", "skipped"]


@dataclass(frozen=True)
class PlannedStep:
    """One step of a dry run. state: ok (read or would run), held (needs approval), refused (error), later (needs the
    outputs of an earlier write step), skipped (its condition does not hold)."""

    index: int
    id: str
    uses: str
    title: str
    state: State
    effect: str = ""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    data_loss: str = ""
    undo: str = ""
    destructive: bool = False
    people: int = 0
    groups: tuple[str, ...] = ()
    error: str = ""


@dataclass
class DryRun:
    """All steps in order; history in words ("Usually takes 4 min (3 earlier runs)"), "" when it never ran."""

    playbook: str
    title: str
    steps: list[PlannedStep] = field(default_factory=list)
    history: str = ""

    @property
    def refused(self) -> bool:
        """Whether some step could not be done now."""
        return any(step.state == "refused" for step in self.steps)


async def dry_run(house: House, playbook: Playbook, inputs: Mapping[str, Any], incident: str | None) -> DryRun:
    """Walk the playbook. Outside errors become a step's `error`; nothing is raised for them."""
    now, scope, history = await house.db.read(lambda tx: _start(tx, house, playbook, inputs, incident))
    result = DryRun(playbook.name, playbook.title, history=history)
    unknown: dict[str, str] = {}
    for spec in playbook.steps:
        planned, outputs = await _step(house, spec, scope, unknown, now)
        result.steps.append(planned)
        if outputs is not None:
            scope["steps"][spec.id] = {"outputs": outputs}
        else:
            unknown[f"steps.{spec.id}"] = str(spec.index)
            cls = find(spec.uses)
            unknown |= {f"incident.{fact}": str(spec.index) for fact in (cls.facts if cls else {})}
    return result


def _start(
    tx: Tx, house: House, playbook: Playbook, inputs: Mapping[str, Any], incident: str | None
) -> tuple[datetime, dict[str, Any], str]:
    named = service_input(playbook)
    at = site_input(playbook)
    service = str(inputs[named]) if named and inputs.get(named) else None
    site = str(inputs[at]) if at and inputs.get(at) else None
    scope: dict[str, Any] = {
        "inputs": dict(inputs),
        "steps": {},
        **places(house.policy, service, site, active_site(tx, house.policy, service)),
        "organisation": organisation(house.policy),
        "run": {"id": "dry-run", "kind": "real", "requester_slack": None, "by_hand": True},
    }
    if incident:
        scope |= incident_scope(tx, house.policy, house.url, incident)
    return tx.now, scope, _history(tx, playbook)


def _history(tx: Tx, playbook: Playbook) -> str:
    query = (
        select(runs.c.started_at, runs.c.ended_at, runs.c.digest, runs.c.kind)
        .where(runs.c.playbook == playbook.name, runs.c.state == "succeeded")
        .order_by(runs.c.ended_at.desc())
        .limit(20)
    )
    rows = [row for row in tx.conn.execute(query) if row.started_at and row.ended_at]
    if not rows:
        return "It never ran to its end here"
    lengths = sorted(max(timedelta(), row.ended_at - row.started_at) for row in rows)  # clocks may have stepped back
    told = f"Usually takes {words(lengths[len(lengths) // 2])} ({len(rows)} earlier run{'s' * (len(rows) > 1)})"
    drills = [row for row in rows if row.kind == "drill"]
    if not drills:
        return f"{told}; never rehearsed"
    same = "with this very text" if drills[0].digest == playbook.digest else "with another text"
    return f"{told}; last rehearsed {drills[0].ended_at:%-d %b} {same}"


async def _step(
    house: House, spec: Spec, scope: dict[str, Any], unknown: dict[str, str], now: datetime
) -> tuple[PlannedStep, dict[str, Any] | None]:
    cls = find(spec.uses)
    risk = max(cls.risk, spec.risk or Risk.READ) if cls else Risk.READ
    base: dict[str, Any] = {"index": spec.index, "id": spec.id, "uses": spec.uses, "title": spec.title}
    base["destructive"] = risk.destructive
    if risk.guarded:
        service, site = scope.get("service"), scope.get("site")
        rule = house.policy.rule_for(
            risk,
            spec.approvals,
            scope["run"]["kind"],
            house.policy.sites.get(site["name"]) if site else None,
            service_of(house.policy, service["name"] if service else None),
        )
        base |= {"people": rule.people, "groups": rule.from_}
    try:
        if spec.if_ is not None:
            holds = test_plan(spec.if_, scope, unknown)
            if isinstance(holds, KnownLater):
                return PlannedStep(**base, state="later", effect=f"depends on step {holds.step_id}"), None
            if not holds:
                return PlannedStep(**base, state="skipped", effect=f"its condition does not hold: {spec.if_}"), None
        params = resolve(spec.with_, scope, unknown)
        if later := _later(params):
            words = f"{cls.heading() if cls else spec.uses} (known after step {later})"
            return PlannedStep(**base, state="later", effect=words), None
        if wrong := addressed.unknown(house.policy, spec.uses, params):
            raise Refused("\n".join(wrong))
        action = _make(cls, spec, params)
        async with asyncio.timeout(action.timeout_s):
            plan = await action.plan(World(house.tools, now=now, scope=scope))
    except (MusterError, TimeoutError) as error:
        told = str(error) if isinstance(error, MusterError) else "Looking took too long."
        return PlannedStep(**base, state="refused", error=told), None
    return PlannedStep(**base, state="held" if risk.guarded else "ok", **_shown(plan)), plan.outputs


def _make(cls: type[Action] | None, spec: Spec, params: Mapping[str, Any]) -> Action:
    if cls is None:
        raise Refused(f"There is no action {spec.uses}.")
    try:
        return cls.model_validate(params)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Refused(f"`{'.'.join(map(str, first['loc']))}` of {spec.uses}: {first['msg']}.") from None


def _shown(plan: Plan) -> dict[str, Any]:
    return {
        "effect": plan.effect,
        "warnings": plan.warnings,
        "notes": plan.notes,
        "data_loss": plan.data_loss,
        "undo": plan.undo,
    }


def _later(value: Any) -> str | None:
    """The step a value waits for, anywhere inside it."""
    if isinstance(value, KnownLater):
        return value.step_id
    if isinstance(value, str) and "«known after step " in value:
        return value.split("«known after step ")[1].split("»")[0]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next((found for item in items if (found := _later(item))), None)
