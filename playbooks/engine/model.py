"""A playbook after reading: typed, frozen, flattened in document order.

Belongs here: Playbook, Step, Input, Constraint. Does not belong here: reading YAML (load.py), checking it (check.py),
references (values.py), what a run remembers (storage).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from playbooks.action import Risk

InputType = Literal[
    "service", "site", "string", "text", "integer", "boolean", "duration", "time", "choice", "person", "list"
]
OnFailure = Literal["pause", "continue"]


@dataclass(frozen=True)
class Input:
    """Something a person gives to a run. type says how text is read (inputs.py); choices only with type choice."""

    name: str
    type: InputType = "string"
    description: str = ""
    required: bool = True
    default: Any = None
    choices: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Bound:
    """What one input may turn out to be, as written: one of these values, or a text with `*` for anything."""

    one_of: tuple[Any, ...] | None = None
    matches: str | None = None


@dataclass(frozen=True)
class Constraint:
    """What a step of a stage may turn out to do: on none but these targets, with inputs bound like this."""

    targets: tuple[str, ...]
    inputs: dict[str, Bound] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One action call.

    index: 1-based position as people see it ("step 2 of 4"). with_: values as written, references unresolved.
    if_: an expression, with or without `${{ }}`. approvals: the override as written (policy_approvals.Override reads
    it). group and lane: set inside `parallel:`; steps of a group share `group`. risk: raised by the playbook, or None.
    stage: approved together with its neighbours of that name; constraint: as what, where that is not known by then.
    Times are in seconds. line: 1-based, in the file.
    """

    index: int
    id: str
    title: str
    uses: str
    with_: dict[str, Any] = field(default_factory=dict)
    if_: str | None = None
    phase: str | None = None
    stage: str | None = None
    constraint: Constraint | None = None
    timeout_s: float | None = None
    retries: int = 0
    on_failure: OnFailure = "pause"
    approvals: dict[str, Any] | None = None
    within_s: float | None = None
    risk: Risk | None = None
    group: str | None = None
    lane: str | None = None
    line: int = 0


@dataclass(frozen=True)
class Playbook:
    """A whole playbook. text: exactly as in the file; digest: its SHA-256 in hex; source: where it was read.

    objectives: rto and rpo as written (may be references). reviewed, review_by: when it was last read, and when again.
    """

    name: str
    title: str
    description: str
    inputs: tuple[Input, ...]
    objectives: dict[str, Any]
    steps: tuple[Step, ...]
    reviewed: date | None
    review_by: date | None
    text: str
    digest: str
    source: str

    def step(self, step_id: str) -> Step:
        """The step with that id. Raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)
