"""The undo of an action as an action of its own, `aws.iam_deactivate_key.undo`: the engine runs it like any other.

Belongs here: how an action's `undo`, `plan_undo`, `verify_undo` and `reconcile_undo` are called. Does not belong here:
asking for an undo and what is left to undo (engine/leftovers.py).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from playbooks.action import UNDO, Act, Action, Again, Found, Outputs, Plan, Seen, World, find
from playbooks.errors import Refused


class Undo(Action):
    """Take back what one step did. The text fields are JSON: typed words inside are never read as references."""

    of: ClassVar[type[Action]] = Action
    why_no_undo = "Ask for the step itself again, in a run of its own."

    params: str = Field(description="What the step was given, as JSON")
    done: str = Field(description="What the step returned, as JSON")
    targets: str = Field(default="[]", description="What the step touched, as a JSON list")

    async def plan(self, world: World) -> Plan:
        """The action's own words; where it names no targets, those of the step."""
        plan = await self._step().plan_undo(world, self._done())
        return plan if plan.targets else plan.model_copy(update={"targets": tuple(json.loads(self.targets))})

    async def run(self, act: Act) -> Outputs:
        """Take it back."""
        return await self._step().undo(act, self._done())

    async def verify(self, world: World, done: Any) -> Seen:
        """Whether it is taken back."""
        return await self._step().verify_undo(world, self._done())

    async def reconcile(self, world: World) -> Found:
        """Whether it was taken back."""
        return await self._step().reconcile_undo(world, self._done())

    def say(self, done: Any) -> str:
        """What is no more."""
        return f"taken back: {self._step().say(self._done())}"

    def _step(self) -> Action:
        try:
            return self.of.model_validate(json.loads(self.params))
        except (ValidationError, ValueError):
            raise Refused(f"What {self.of.name} was given is not understood by this version of Muster.",
                          todo="Take it back by hand.") from None  # fmt: skip

    def _done(self) -> Any:
        said = json.loads(self.done)
        try:
            return self.of.result.model_validate(said)
        except ValidationError:  # told by a person: what is known of it is in its parameters
            return self.of.result.model_construct(**said)


def undo_of(name: str) -> type[Action] | None:
    """The undo of the action before `.undo`; None where there is no such action, or it has no undo."""
    of = find(name.removesuffix(UNDO))
    return _made(of) if of is not None and of.can_undo() else None


@lru_cache
def _made(of: type[Action]) -> type[Action]:
    about = {"__module__": __name__, "__qualname__": f"{of.__name__}Undo", "__doc__": f"Undo: {of.heading()}"}
    made: Any = type(f"{of.__name__}Undo", (Undo,), about)
    made.of, made.name, made.needs, made.result, made.version = of, f"{of.name}{UNDO}", of.needs, of.result, of.version
    made.risk, made.again = of.undo_risk(), Again.NEVER if of.again is Again.SAFE else of.again
    made.timeout_s, made.verify_within_s = of.timeout_s, of.verify_within_s
    found: type[Action] = made
    return found
