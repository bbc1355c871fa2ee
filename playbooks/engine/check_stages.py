"""What must hold of the stages of a playbook: neighbours that are approved together, and what binds the later ones.

Belongs here: stages and constraints as written. Does not belong here: all other checks (check.py), what an approval
covers when it is asked for (covering.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from playbooks.action import Risk
from playbooks.engine.expressions import Path
from playbooks.engine.model import Step
from playbooks.engine.values import references
from playbooks.errors import Refused
from playbooks.reading import hint

Problem = tuple[Step, tuple[str | int, ...], str]


def stage_problems(steps: Sequence[Step], risk_of: Callable[[Step], Risk]) -> Iterator[Problem]:
    """(step, place in it, what is wrong), in document order."""
    members: dict[str, list[Step]] = {}
    for step in steps:
        if step.stage is not None:
            members.setdefault(step.stage, []).append(step)
            yield from _member(step, risk_of(step))
        if step.constraint is not None:
            yield from _constraint(step, [one for one in members.get(step.stage or "", []) if one is not step])
    for name, inside in members.items():
        for before, after in pairwise(inside):
            if after.index != before.index + 1:
                yield after, ("stage",), f"stage {name} is interrupted after step {before.id}"
        if not any(risk_of(step).destructive for step in inside):
            yield inside[0], ("stage",), f"stage {name} holds no destructive step"


def _member(step: Step, risk: Risk) -> Iterator[Problem]:
    if step.lane is not None:
        yield step, ("stage",), f"a stage is a row of steps, and this one stands in the lane {step.lane}"
    if risk is Risk.CONTAIN:
        yield step, ("stage",), f"{step.uses} only closes access: one person approves it, and it stands in no stage"


def _constraint(step: Step, before: Sequence[Step]) -> Iterator[Problem]:
    """before: the earlier steps of its stage."""
    if step.stage is None:
        yield step, ("constraint",), "a constraint binds a step of a stage; name the stage"
    assert step.constraint is not None
    for name in step.constraint.inputs:
        if name not in step.with_:
            yield step, ("constraint", "inputs", name), f"constraint: `with` has no {name}{hint(name, step.with_)}"
    late = {one.id for one in before}
    try:
        paths = constraint_references(step)
    except Refused as error:
        yield step, ("constraint",), f"constraint: {error}"
        return
    for path in sorted(paths):
        if path[0] == "steps" and path[1] in late:
            yield step, ("constraint",), f"constraint: {'.'.join(path)} is not known when the stage is approved"


def constraint_references(step: Step) -> set[Path]:
    """Every path a constraint reads. Raises Refused for what is not in the language."""
    if step.constraint is None:
        return set()
    values = [*step.constraint.targets, *(list(one.one_of or ()) for one in step.constraint.inputs.values())]
    values += [one.matches or "" for one in step.constraint.inputs.values()]
    return references(values)
