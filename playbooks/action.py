"""What an action is: one kind of effect or look at the outside world, declared in one file.

Belongs here: the contract (Action, Risk, Again, Plan, Park, Seen, Found), the tools an action is handed (World to
look, Act to act) and the registry that finds `aws.rds_failover` in `playbooks/actions/aws/rds_failover.py`.
Does not belong here: running, retrying, approving or recording anything. That is the engine, the only caller.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from playbooks.changes import Change
from playbooks.errors import MusterError, NotConfigured

T = TypeVar("T")
UNDO = ".undo"
UNDOES = "undo/"  # playbooks of runs that take back a step of another one


class Risk(IntEnum):
    """How much an action can hurt, in rising order. Playbook and policy may raise it, never lower it."""

    READ = 0
    WRITE = 1
    CONTAIN = 2
    RECOVERABLE = 3
    IRREVERSIBLE = 4

    @property
    def destructive(self) -> bool:
        """Destructive steps need a quorum of people."""
        return self >= Risk.RECOVERABLE

    @property
    def guarded(self) -> bool:
        """Guarded steps wait for approval: destructive ones for a quorum, `contain` for one person with step-up."""
        return self >= Risk.CONTAIN

    @property
    def word(self) -> str:
        """The word used on cards and in YAML."""
        return {3: "destructive, recoverable", 4: "destructive, irreversible"}.get(int(self), self.name.lower())


class Again(StrEnum):
    """What may happen after a crash in the middle."""

    SAFE = "safe"  # a read: simply repeated
    KEYED = "keyed"  # the outside removes doubles by our key: repeated with the same key
    NEVER = "never"  # reconcile; where looking cannot tell, a person decides


class Outputs(BaseModel):
    """Base of the typed results of an action. Text fields are capped by the engine at 4,000 characters."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Outputs):
    """An action without results."""


class Plan(BaseModel):
    """Exactly what a step would do now. Bound into the approval digest: `targets` and `effect` must be stable.

    targets: resolved outside things, e.g. ["rds:orders-db"]; also the resource lock of destructive steps.
    effect: one sentence in the conditional-free present: "Reboot orders-db with failover: eu-north-1a -> eu-north-1b".
    warnings: what the approver must know ("Connections drop for 60-120 s").
    notes: what may change between two looks without changing the effect (an HTTP status seen now); not in the digest.
    data_loss_s: seconds of data lost if it ran now, or None where the action cannot lose data or cannot know.
    data_loss: the same in words ("0 s (synchronous standby)").
    undo: how to go back, in words.
    outputs: for reads, what was seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    targets: tuple[str, ...] = ()
    effect: str
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    data_loss_s: int | None = None
    data_loss: str = ""
    undo: str = ""
    outputs: dict[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    """What people are asked by a `human.*` step.

    who: a role, a group of the policy, or "anyone". choices: the answers offered; numbered: they are data (a backup's
    name), so the timeline's bodies speak of their number. stops: choices for which one person's word is enough.
    people: how many must say the same; requester: whether who asked for the run may be one of several; another: who
    asked for it or wrote in it never counts. fields: a form instead of choices (`form_fields.FormField` as JSON).
    items: a checklist instead, each {"text", "owner", "due_s": seconds or None}. due_in_s: when silence is passed on.
    """

    text: str
    who: str = "commander"
    choices: tuple[str, ...] = ("yes", "no")
    shown: str = ""
    evidence_required: bool = False
    due_in_s: float = 900.0
    numbered: bool = False
    stops: tuple[str, ...] = ()
    people: int = 1
    requester: bool = False
    another: bool = False
    fields: tuple[Mapping[str, Any], ...] = ()
    items: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What was answered. person: opaque id of who said it last; text: reason or evidence; people: all who said so.

    values: of a form, typed; items: of a checklist, each {"text", "owner", "state": done or skipped, "by", "at",
    "reason"}; in_place_of: whose word it stands for, when somebody else answered.
    """

    person: str
    choice: str
    text: str = ""
    people: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Mapping[str, Any], ...] = ()
    in_place_of: str = ""


@dataclass(frozen=True)
class Park:
    """Returned by `run` when it must wait: for a person (`question`), a time (`wake_in_s`), or whichever comes first.

    Memory holds nothing.
    """

    question: Question | None = None
    wake_in_s: float | None = None


@dataclass(frozen=True)
class Seen:
    """One look of `verify`. ok True: as promised; False: definitely not; None: not yet, look again in `again_in` s.

    again_in None: at the engine's pace, soon after the effect and then every two seconds. outputs: what is known only
    now, where ok; it takes the place of what `run` returned.
    """

    ok: bool | None
    text: str
    again_in: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    outputs: Outputs | None = None


@dataclass(frozen=True)
class Found:
    """Answer of `reconcile`. happened True/False, or None: looking cannot tell. outputs: as `run` would return them."""

    happened: bool | None
    evidence: str
    outputs: Outputs | None = None


@dataclass(frozen=True)
class Where:
    """Which step is calling: what a connector may sign in as. step: "INC-42/3 failover"; site: `${{ site }}` or {}."""

    step: str = ""
    risk: Risk = Risk.READ
    site: Mapping[str, Any] = field(default_factory=dict)


class World:
    """What `look`, `plan`, `verify` and `reconcile` are handed: reading tools only.

    now: database time (UTC). key: the idempotency key of the attempt ("" in a dry run). scope: the resolved
    `incident`, `service`, `site` values of the run, read-only. where: the calling step, for tools that sign in by it.
    """

    acting = False

    def __init__(
        self,
        tools: Mapping[type, Any],
        *,
        now: datetime,
        key: str = "",
        scope: Mapping[str, Any] | None = None,
        started_at: datetime | None = None,
        step: str = "",
        risk: Risk = Risk.READ,
    ) -> None:
        self._tools = tools
        self.now = now
        self.key = key
        self.scope: Mapping[str, Any] = MappingProxyType(dict(scope or {}))
        self.started_at = started_at
        self.where = Where(step, risk, self.scope.get("site") or {})

    def use(self, kind: type[T]) -> T:
        """The tool of this type, bound to the calling step where it has a `bound`.

        Raises NotConfigured when it has no credentials, MusterError for an acting tool.
        """
        if getattr(kind, "acting", False) and not self.acting:
            raise MusterError(f"{kind.__name__} can act; plan, verify and reconcile only get its reading class.")
        tool = self._tools.get(kind)
        if tool is None:
            vendor = getattr(kind, "vendor", kind.__name__)
            raise NotConfigured(f"{vendor} is not configured here.", todo="`muster doctor` says what is missing.")
        if not isinstance(tool, kind):
            raise TypeError(f"tool registered for {kind.__name__} is a {type(tool).__name__}")
        bound: T = tool.bound(self.where) if hasattr(tool, "bound") else tool
        return bound


class Act(World):
    """What `run` and `undo` are handed: acting tools, and a key that stays the same within one attempt.

    repeated: this very attempt was begun before, so some of its effect may be there under its key already.
    """

    acting = True

    def __init__(self, tools: Mapping[type, Any], *, repeated: bool = False, **more: Any) -> None:
        super().__init__(tools, **more)
        self.repeated = repeated


class Action(BaseModel):
    """Base of all actions: a frozen model whose fields are the parameters.

    Subclasses are declared with `@action(...)`. A read implements `look`; everything else `plan`, `run` and, where the
    outside can be asked, `verify` and `reconcile`. Only the engine calls these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)  # rows keep `is_`, people write `is`

    name: ClassVar[str] = ""
    risk: ClassVar[Risk] = Risk.READ
    again: ClassVar[Again] = Again.SAFE
    needs: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[Mapping[str, str]] = {}
    moves_service: ClassVar[bool] = False
    version: ClassVar[int] = 1
    result: ClassVar[type[Outputs]] = Nothing
    why_no_undo: ClassVar[str] = ""
    verify_within_s: ClassVar[float] = 60.0
    timeout_s: ClassVar[float] = 30.0

    def within_s(self) -> float:
        """How long the engine keeps looking (probe or verify) before it calls the step failed, in seconds."""
        return self.verify_within_s

    async def look(self, world: World) -> Outputs:
        """Reads only: what is there. May raise NotYet (looked, not there yet)."""
        raise NotImplementedError  # the contract: who needs it brings it (house tests)

    async def plan(self, world: World) -> Plan:
        """Reads only: exactly what would happen. Refuses when a precondition fails. Reads: what is seen now."""
        seen = await self.look(world)
        return Plan(effect=self.say(seen), outputs=seen.model_dump(mode="json"))

    async def run(self, act: Act) -> Outputs | Park:
        """The effect. Raises Temporary or Refused (did not happen), Uncertain (may have)."""
        raise NotImplementedError  # the contract: who needs it brings it (house tests)

    async def resume(self, act: Act, answer: Answer | None) -> Outputs | Park:
        """Called after a Park: with the person's answer, or None when the wake time came."""
        raise NotImplementedError  # the contract: who needs it brings it (house tests)

    async def verify(self, world: World, done: Any) -> Seen:
        """One look at whether the effect took. Default: nothing to look at."""
        return Seen(ok=True, text="")

    async def reconcile(self, world: World) -> Found:
        """After a lost outcome: did it happen? Default: looking cannot tell."""
        return Found(happened=None, evidence="This action cannot be checked from outside.")

    async def undo(self, act: Act, done: Any) -> Outputs:
        """Take it back. Only where it exists; otherwise `why_no_undo` says why not."""
        raise NotImplementedError  # the contract: who needs it brings it (house tests)

    async def plan_undo(self, world: World, done: Any) -> Plan:
        """Reads only: what taking it back would do now. Refuses when there is nothing to take back."""
        return Plan(effect=f"Take back: {self.say(done)}")

    async def verify_undo(self, world: World, done: Any) -> Seen:
        """One look at whether it was taken back. Default: nothing to look at."""
        return Seen(ok=True, text=f"taken back: {self.say(done)}")

    async def reconcile_undo(self, world: World, done: Any) -> Found:
        """After a lost outcome: was it taken back? Default: looking cannot tell."""
        return Found(happened=None, evidence="Whether this was taken back cannot be seen from outside.")

    def say(self, done: Any) -> str:
        """One line for the timeline and the run card: what was seen or done."""
        return self.heading()

    @classmethod
    def heading(cls) -> str:
        """First line of the docstring."""
        return (cls.__doc__ or cls.name).strip().splitlines()[0]

    @classmethod
    def can_undo(cls) -> bool:
        """Whether the subclass brings an undo of its own."""
        return cls.undo is not Action.undo

    @classmethod
    def leaves(cls, outputs: Mapping[str, Any]) -> bool:
        """Whether what such a step did stays until it is undone or accepted; asked of actions that can undo."""
        return True

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """What such a step changed, where another one may set it back: then neither leaves anything; else ()."""
        return ()

    @classmethod
    def undo_risk(cls) -> Risk:
        """What taking it back is: never less than the effect, and opening again what was closed needs the quorum."""
        return Risk.RECOVERABLE if cls.risk is Risk.CONTAIN else cls.risk


_registry: dict[str, type[Action]] = {}
A = TypeVar("A", bound=type[Action])


def action(
    name: str,
    *,
    risk: Risk,
    again: Again,
    needs: tuple[str, ...] = (),
    facts: Mapping[str, str] | None = None,
    result: type[Outputs] = Nothing,
    version: int = 1,
    moves_service: bool = False,
) -> Callable[[A], A]:
    """Declare an action. facts: {"channel": "channel_id"} stores output channel_id as the incident's fact `channel`.

    moves_service: once verified, its outputs `service` and `site` become the record of where that service is active.
    """

    def declare(cls: A) -> A:
        expected = f"playbooks.actions.{name}"
        if cls.__module__ != expected and not cls.__module__.startswith("tests"):
            raise TypeError(f"action {name} must live in {expected}, not {cls.__module__}")
        if risk is not Risk.READ and not cls.can_undo() and not cls.why_no_undo:
            raise TypeError(f"action {name} has no undo and does not say why (why_no_undo)")
        if risk is Risk.CONTAIN and not cls.can_undo():
            raise TypeError(f"action {name} only closes access (contain), so it brings its undo")
        cls.name, cls.risk, cls.again, cls.needs, cls.result = name, risk, again, needs, result
        cls.facts, cls.version = MappingProxyType(dict(facts or {})), version
        if unknown := set(cls.facts.values()) - set(result.model_fields):
            raise TypeError(f"action {name}: facts name unknown outputs {sorted(unknown)}")
        cls.moves_service = moves_service
        if moves_service and (cls.verify is Action.verify or not {"service", "site"} <= set(result.model_fields)):
            raise TypeError(f"action {name} moves a service, so it verifies that and returns `service` and `site`")
        _registry[name] = cls
        return cls

    return declare


def load_actions() -> Mapping[str, type[Action]]:
    """Import every module below `playbooks.actions` and return the registry, name -> class."""
    package = importlib.import_module("playbooks.actions")
    for module in pkgutil.walk_packages(package.__path__, "playbooks.actions."):
        if not module.ispkg:
            importlib.import_module(module.name)
    return MappingProxyType(_registry)


def find(name: str) -> type[Action] | None:
    """The action of that name, or None. Loads its one module by name when it has not been imported yet.

    `aws.iam_deactivate_key.undo` is the undo of that action as an action of its own (undoing.py).
    """
    if name.endswith(UNDO) and name.count(".") > 1:
        from playbooks.undoing import undo_of

        return undo_of(name)
    if name not in _registry and name.replace(".", "").replace("_", "").isalnum() and "." in name:
        try:
            importlib.import_module(f"playbooks.actions.{name}")
        except ModuleNotFoundError:
            return None
    return _registry.get(name)
