"""Words of people on a decision, on the engine's small stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from playbooks.engine import deciding
from playbooks.policy import parse_policy
from storage import people
from tests.playbooks.engine.conftest import POLICY, Stage

WITH_ADMIN = POLICY.replace("groups: {", "groups: {boss: {people: [dov]}, ") + "permissions: {administer: boss}\n"


@pytest.fixture
async def stage(stage: Stage) -> Stage:
    """With Dov as the one administrator; a directory that knows rows alone."""
    stage.policy = parse_policy(WITH_ADMIN)
    await stage.db.write(lambda tx: people.set_group(tx, "boss", {"policy": [stage.persons["dov"]]}))
    return stage


@pytest.fixture
def house(stage: Stage) -> Any:
    """What decisions are handed."""
    return stage.engine().house


@pytest.fixture
def says(stage: Stage, house: Any) -> Callable[..., Any]:
    """`await says("ben", "D-1")`"""

    async def say(who: str, decision: str = "D-1", choice: str = "approve") -> Any:
        actor = stage.actor(who)
        return await stage.db.write(
            lambda tx: deciding.vote(
                tx, house, decision=decision, digest=None, actor=actor, choice=choice, via="test"  # type: ignore[arg-type]
            )
        )  # fmt: skip

    return say
