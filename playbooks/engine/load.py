"""YAML -> typed playbook, or every problem in it with its line.

Belongs here: reading the text, flattening groups and lanes, calling the checks. Does not belong here: the vocabulary
(written.py), the checks that look across steps (check.py), what a person typed (inputs.py), finding files (library.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from playbooks.action import Action, Risk, find
from playbooks.engine.check import check
from playbooks.engine.inputs import service_input, site_input, typed_inputs
from playbooks.engine.model import Bound, Constraint, Input, InputType, OnFailure, Playbook, Step
from playbooks.engine.written import WrittenConstraint, WrittenGroup, WrittenInput, WrittenPlaybook, WrittenStep
from playbooks.reading import Problems, explain, line_of, plain, read_yaml

__all__ = [
    "Input",
    "InputType",
    "OnFailure",
    "Playbook",
    "Step",
    "load_stored",
    "load_text",
    "service_input",
    "site_input",
    "typed_inputs",
]

Find = Callable[[str], type[Action] | None]


def load_text(text: str, source: str = "playbook.yaml", actions: Find = find, expected: str | None = None) -> Playbook:
    """A playbook from its text.

    source: file name for messages; where it ends in .yaml and holds a folder, the playbook's name must be its end.
    expected: the exact name it must have. Raises Refused with one "source:line: what, nearest right word" per problem.
    """
    playbook, node, problems = _read(text, source, actions)
    _check_name(playbook.name, source, expected, node, problems)
    check(playbook, node, actions, problems)
    problems.raise_any()
    return playbook


@lru_cache(maxsize=256)
def load_stored(text: str, source: str = "a stored playbook") -> Playbook:
    """The playbook of a run, from the text the run keeps. It was checked when the run began and is not checked again.

    So a run outlives an upgrade that renames an action: only the step that needs it fails. The same text is read once.
    Raises Refused when the text is no playbook at all.
    """
    playbook, _, problems = _read(text, source, find)
    problems.raise_any()
    return playbook


def _read(text: str, source: str, actions: Find) -> tuple[Playbook, Any, Problems]:
    """Playbook, document and the problems of single steps. Raises Refused when even the top cannot be read."""
    node = read_yaml(text, source)
    problems = Problems(source)
    top: WrittenPlaybook | None = None
    try:
        top = WrittenPlaybook.model_validate(plain(node))
    except ValidationError as error:
        explain(error, WrittenPlaybook, node, problems)
    steps = _Steps(problems, actions).read(node.get("steps"))
    if top is None:
        problems.raise_any()
        raise AssertionError("a playbook that cannot be read has problems")
    playbook = Playbook(
        name=top.name,
        title=top.title,
        description=top.description,
        inputs=tuple(_input(name, item, line_of(node, ("inputs", name))) for name, item in top.inputs.items()),
        objectives=top.objectives.model_dump(exclude_none=True),
        steps=tuple(steps),
        reviewed=top.reviewed,
        review_by=top.review_by,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        source=source,
    )
    return playbook, node, problems


def _input(name: str, item: WrittenInput, line: int) -> Input:
    required = item.required if item.required is not None else item.default is None
    return Input(name, item.type, item.description, required, item.default, item.choices, line)


def _check_name(name: str, source: str, expected: str | None, node: Any, problems: Problems) -> None:
    """The name is the path: what a person types is where the file is."""
    path = PurePosixPath(source.replace("\\", "/"))
    wanted = expected
    if expected is None and path.suffix == ".yaml" and len(path.parts) > 1:
        parts = path.with_suffix("").parts[-(name.count("/") + 1) :]
        wanted = "/".join(parts)
    if wanted is not None and name != wanted:
        problems.add(line_of(node, ("name",)), f"name is {name}, but the file's path says {wanted}")


class _Steps:
    """Reads the `steps` list into flat Steps, telling `problems` what cannot be one."""

    def __init__(self, problems: Problems, actions: Find) -> None:
        self._problems = problems
        self._actions = actions
        self._flat: list[Step] = []
        self._groups = 0

    def read(self, nodes: Any) -> list[Step]:
        """All steps in document order."""
        for i, node in enumerate(nodes if isinstance(nodes, list) else []):
            line = line_of(nodes, (i,))
            if isinstance(node, dict) and "parallel" in node:
                self._group(node, line)
            else:
                self._step(node, line)
        return self._flat

    def _group(self, node: Any, line: int) -> None:
        self._groups += 1
        try:
            group = WrittenGroup.model_validate(plain(node))
        except ValidationError as error:
            explain(error, WrittenGroup, node, self._problems, "parallel: ")
            return
        name = group.id or f"parallel{self._groups}"
        for lane in group.parallel:
            lane_nodes = node["parallel"][lane]
            for i, step in enumerate(lane_nodes):
                step_line = line_of(lane_nodes, (i,))
                if isinstance(step, dict) and "parallel" in step:
                    self._problems.add(step_line, f"lane {lane}: lanes do not nest")
                else:
                    self._step(step, step_line, name, lane)

    def _step(self, node: Any, line: int, group: str | None = None, lane: str | None = None) -> None:
        if not isinstance(node, dict):
            self._problems.add(line, "a step is a mapping with `id` and `uses`")
            return
        label = f"step {node.get('id', len(self._flat) + 1)}: "
        try:
            step = WrittenStep.model_validate(plain(node))
        except ValidationError as error:
            explain(error, WrittenStep, node, self._problems, label)
            return
        found = self._actions(step.uses)
        self._flat.append(
            Step(
                index=len(self._flat) + 1,
                id=step.id,
                title=step.name or (found.heading() if found else step.id),
                uses=step.uses,
                with_=step.with_,
                if_=step.if_,
                phase=step.phase,
                stage=step.stage,
                constraint=_constraint(step.constraint),
                timeout_s=_seconds(step.timeout),
                retries=step.retries,
                on_failure=step.on_failure,
                approvals=plain(node["approvals"]) if step.approvals is not None else None,
                within_s=_seconds(step.within),
                risk=Risk[step.risk.upper()] if step.risk else None,
                group=group,
                lane=lane,
                line=line,
            )
        )


def _constraint(written: WrittenConstraint | None) -> Constraint | None:
    if written is None:
        return None
    bounds = written.inputs.items()
    return Constraint(
        tuple(written.targets),
        {name: Bound(None if one.one_of is None else tuple(one.one_of), one.matches) for name, one in bounds},
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
