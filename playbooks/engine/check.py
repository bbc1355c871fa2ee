"""What must hold between the parts of a playbook: actions and their fields, references, ids, lanes, stages, risk.

Belongs here: checks that need an action or another step, each adding a problem with its line. Does not belong here:
the vocabulary itself (written.py), anything that needs a policy's values (inputs.py, plan.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from playbooks.action import Action, Risk, load_actions
from playbooks.durations import parse_duration
from playbooks.engine.check_stages import constraint_references, stage_problems
from playbooks.engine.expressions import Path
from playbooks.engine.model import Playbook, Step
from playbooks.engine.values import (
    ORGANISATION_FIELDS,
    RUN_FIELDS,
    condition_references,
    incident_names,
    is_incident_name,
    references,
)
from playbooks.errors import Refused
from playbooks.policy_sections import Severity
from playbooks.policy_services import Service, Site
from playbooks.reading import Problems, hint, line_of, reach

Find = Callable[[str], type[Action] | None]
_MODELS: Mapping[str, type[BaseModel]] = {
    "service": Service, "site": Site, "active": Service, "active_site": Site, "severity": Severity,
}  # fmt: skip


def check(playbook: Playbook, node: Any, actions: Find, problems: Problems) -> None:
    """Add every problem of a playbook that was readable. node: its document, for lines."""
    _Check(playbook, node, actions, problems).all()


class _Check:
    def __init__(self, playbook: Playbook, node: Any, actions: Find, problems: Problems) -> None:
        self._playbook = playbook
        self._node = node
        self._find = actions
        self._problems = problems
        self._steps: dict[str, Step] = {}
        self._nodes = list(_step_nodes(node.get("steps")))
        self._unreadable = {str(item.get("id")) for item in self._nodes} - {step.id for step in playbook.steps}
        self._inputs = {item.name: item for item in playbook.inputs}

    def all(self) -> None:
        """Steps in order: each may look back at the ones before it."""
        self._objectives()
        every = {step.id: step for step in self._playbook.steps}
        groups = {step.group for step in self._playbook.steps if step.group}
        for step in self._playbook.steps:
            if step.id in self._steps or step.id in groups:
                self._say(step, ("id",), f"the id {step.id} is used twice")
            self._action(step)
            self._references(step, every)
            self._steps.setdefault(step.id, step)
        self._stages()

    def _say(self, step: Step, loc: tuple[str | int, ...], what: str) -> None:
        node = next((item for item in self._nodes if item.lc.line + 1 == step.line), None)
        line = line_of(node, loc) if node is not None else step.line
        self._problems.add(line, f"step {step.id}: {what}")

    def _action(self, step: Step) -> None:
        action = self._find(step.uses)
        if action is None:
            self._say(step, ("uses",), f"there is no action {step.uses}{hint(step.uses, load_actions())}")
            return
        fields = _fields(action)
        for key in step.with_:
            if key not in fields:
                self._say(step, ("with", key), f"{step.uses} has no field {key}{hint(key, fields)}")
        for name, info in fields.items():
            if info.is_required() and name not in step.with_:
                self._say(step, ("with",), f"{step.uses} needs {name}")
        self._literals(step, action)
        if step.risk is not None and step.risk < action.risk:
            self._say(
                step, ("risk",), f"{step.uses} is {action.risk.word}; a playbook may raise the risk, never lower it"
            )
        if step.risk is Risk.CONTAIN and not action.can_undo():
            self._say(step, ("risk",), f"{step.uses} has no undo; `contain` is for what only closes access")
        if step.lane is not None and max(action.risk, step.risk or action.risk).destructive:
            self._say(step, ("uses",), f"{step.uses} is destructive and may not stand in a lane ({step.lane})")

    def _literals(self, step: Step, action: type[Action]) -> None:
        """Values without references are held against the type of their field now; the others when the step runs."""
        for key, value in step.with_.items():
            info = _fields(action).get(key)
            if info is None or _refers(value):
                continue
            rules = [info] if info.alias is None else [None, *info.metadata]  # an alias means nothing outside a model
            kind: Any = cast(Any, Annotated)[(info.annotation, *rules)]
            adapter: TypeAdapter[Any] = TypeAdapter(kind)
            try:
                adapter.validate_python(value)
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    message = detail["msg"].removeprefix("Value error, ")
                    where = ".".join([key, *map(str, detail["loc"])])
                    self._say(step, ("with", key, *detail["loc"]), f"{where}: {message[:1].lower()}{message[1:]}")

    def _references(self, step: Step, every: Mapping[str, Step]) -> None:
        for key, value in step.with_.items():
            try:
                paths = references(value)
            except Refused as error:
                self._say(step, ("with", key), f"{key}: {error}")
                continue
            for path in sorted(paths):
                if what := self._wrong(path, step, every):
                    self._say(step, ("with", key), f"{key}: {what}")
        if step.if_ is None:
            return
        try:
            paths = condition_references(step.if_)
        except Refused as error:
            self._say(step, ("if",), f"if: {error}")
            return
        for path in sorted(paths):
            if what := self._wrong(path, step, every):
                self._say(step, ("if",), f"if: {what}")

    def _wrong(self, path: Path, step: Step | None, every: Mapping[str, Step]) -> str | None:
        """What is wrong with one reference, or None."""
        scope, name, dotted = path[0], path[1], ".".join(path)
        if scope == "steps":
            return self._wrong_step(path, step, every)
        if scope == "inputs":
            if name not in self._inputs:
                return f"there is no input {name}{hint(name, self._inputs)}"
            return f"{dotted}: an input has no parts" if len(path) > 2 and self._inputs[name].type != "list" else None
        if scope == "incident":
            return None if is_incident_name(name) else f"an incident has no {name}{hint(name, incident_names())}"
        if scope == "run":
            return None if name in RUN_FIELDS else f"a run has no {name}{hint(name, RUN_FIELDS)}"
        if scope == "organisation":
            known = ORGANISATION_FIELDS
            return None if name in known else f"an organisation has no {name}{hint(name, known)}"
        found = reach(_MODELS[scope], path[1:])
        if name == "resources":
            return f"{dotted}: a service's resources are read directly, as in service.database.instance"
        return f"{dotted}: there is no {found.wrong}{hint(found.wrong, found.known)}" if found.wrong else None

    def _wrong_step(self, path: Path, step: Step | None, every: Mapping[str, Step]) -> str | None:
        target = every.get(path[1])
        if target is None and path[1] in self._unreadable:
            return None
        if target is None:
            return f"there is no step {path[1]}{hint(path[1], every)}"
        if step is None:
            return "objectives cannot depend on steps"
        if target.index >= step.index:
            return f"step {target.id} comes {'later' if target is not step else 'now'}; only earlier steps have outputs"
        if target.group is not None and target.group == step.group and target.lane != step.lane:
            return f"step {target.id} stands in the lane {target.lane}; lanes do not see each other's outputs"
        if len(path) < 4 or path[2] != "outputs":
            return f"{'.'.join(path)}: write steps.{target.id}.outputs.<name>"
        action = self._find(target.uses)
        if action is None:
            return None
        found = reach(action.result, path[3:])
        return f"{target.uses} has no output {found.wrong}{hint(found.wrong, found.known)}" if found.wrong else None

    def _objectives(self) -> None:
        for key, value in self._playbook.objectives.items():
            line = line_of(self._node, ("objectives", key))
            try:
                paths = references(value)
                if not paths:
                    parse_duration(value)
            except (Refused, ValueError) as error:
                self._problems.add(line, f"objectives.{key}: {error}")
                continue
            for path in sorted(paths):
                if what := self._wrong(path, None, {}):
                    self._problems.add(line, f"objectives.{key}: {what}")

    def _stages(self) -> None:
        every = {step.id: step for step in self._playbook.steps}
        said = set()
        for step, loc, what in stage_problems(self._playbook.steps, self._risk):
            self._say(step, loc, what)
            said.add(step.id)
        for step in self._playbook.steps:
            for path in sorted(constraint_references(step)) if step.id not in said else ():
                if wrong := self._wrong(path, step, every):
                    self._say(step, ("constraint",), f"constraint: {wrong}")

    def _risk(self, step: Step) -> Risk:
        action = self._find(step.uses)
        return Risk.IRREVERSIBLE if action is None else max(action.risk, step.risk or action.risk)


def _step_nodes(nodes: Any) -> list[Any]:
    """Every mapping of the document that is a step."""
    found: list[Any] = []
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, dict) and isinstance(node.get("parallel"), dict):
            found += [step for lane in node["parallel"].values() for step in _step_nodes(lane)]
        elif isinstance(node, dict):
            found.append(node)
    return found


def _fields(action: type[Action]) -> dict[str, Any]:
    """An action's parameters by the names people write: `is`, not `is_`."""
    return {info.alias or name: info for name, info in action.model_fields.items()}


def _refers(value: Any) -> bool:
    """Whether there is a reference anywhere inside (well-formed or not)."""
    if isinstance(value, str):
        return "${{" in value
    if isinstance(value, Mapping):
        return any(map(_refers, value.values()))
    return isinstance(value, list | tuple) and any(map(_refers, value))
