"""A playbook exactly as its YAML may be written: the vocabulary, with its hyphens, as pydantic models.

Belongs here: which keys exist and what type each literal has. Does not belong here: anything that needs a look at
another step, an action or a reference (check.py).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from playbooks.durations import Duration
from playbooks.engine.model import InputType, OnFailure
from playbooks.policy_approvals import Override

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Phase = Literal["detect", "assess", "decide", "execute", "verify", "communicate"]
RiskWord = Literal["read", "write", "contain", "recoverable", "irreversible"]


class Written(BaseModel):
    """Base: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WrittenInput(Written):
    """One entry of `inputs`."""

    type: InputType = "string"
    description: str = ""
    required: bool | None = None
    default: Any = None
    choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _choices(self) -> WrittenInput:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("type choice and `choices` go together")
        if self.required and self.default is not None:
            raise ValueError("an input with a default is never required")
        return self


class WrittenObjectives(Written):
    """What the run is measured by: durations, or references to them."""

    rto: str | None = None
    rpo: str | None = None


class WrittenBound(Written):
    """What one input may turn out to be: `one-of` these values, or a text that `matches` (`*` is anything)."""

    one_of: list[Any] | None = Field(default=None, alias="one-of", min_length=1)
    matches: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> WrittenBound:
        if (self.one_of is None) == (self.matches is None):
            raise ValueError("write either `one-of` or `matches`")
        return self


class WrittenConstraint(Written):
    """What a step of a stage may do, where that is not known yet when people approve the stage."""

    targets: list[str] = Field(min_length=1)
    inputs: dict[Name, WrittenBound] = Field(default_factory=dict)


class WrittenStep(Written):
    """One step."""

    id: Name
    uses: str
    name: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    if_: str | None = Field(default=None, alias="if")
    phase: Phase | None = None
    stage: Name | None = None
    constraint: WrittenConstraint | None = None
    timeout: Duration | None = None
    retries: int = Field(default=0, ge=0, le=20)
    on_failure: OnFailure = Field(default="pause", alias="on-failure")
    approvals: Override | None = None
    within: Duration | None = None
    risk: RiskWord | None = None

    @field_validator("if_", mode="before")
    @classmethod
    def _boolean(cls, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value

    @field_validator("with_", mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return {} if value is None else value


class WrittenGroup(Written):
    """A `parallel:` group: lane name -> steps. The steps are read one by one as WrittenStep."""

    id: Name | None = None
    parallel: dict[Name, list[Any]] = Field(min_length=1)

    @field_validator("parallel")
    @classmethod
    def _no_empty_lane(cls, value: dict[str, list[Any]]) -> dict[str, list[Any]]:
        if empty := [lane for lane, steps in value.items() if not steps]:
            raise ValueError(f"lane {empty[0]} has no steps")
        return value


class WrittenPlaybook(Written):
    """The top of the file. The items of `steps` are read one by one."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)+$", max_length=100)]
    title: str
    description: str = ""
    inputs: dict[Name, WrittenInput] = Field(default_factory=dict)
    objectives: WrittenObjectives = WrittenObjectives()
    steps: list[Any] = Field(min_length=1)
    reviewed: date | None = None
    review_by: date | None = Field(default=None, alias="review-by")
