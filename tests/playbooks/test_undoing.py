"""The undo of an action is an action: its risk, what it plans, verifies and finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk, find
from playbooks.actions.aws.iam_deactivate_key import IamDeactivateKey
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused
from tests.playbooks.actions.aws.keys import made_key


def test_it_is_found_by_name_and_weighs_what_undoing_weighs() -> None:
    made: Any = find("aws.iam_deactivate_key.undo")
    assert (made.risk, made.again, made.can_undo()) == (Risk.RECOVERABLE, Again.NEVER, False)
    assert made.heading() == "Undo: Deactivate an IAM access key" and made is find("aws.iam_deactivate_key.undo")
    assert find("aws.rds_failover.undo") is None and find("aws.nothing.undo") is None and find("aws.undo") is None


async def test_a_key_is_opened_again_seen_and_found(
    aws: Aws, sb: SandboxClient, world: Callable[..., Any], act: Callable[..., Any]
) -> None:
    key = await made_key(aws)
    done = await IamDeactivateKey(key=key).run(act(aws))
    made: Any = find("aws.iam_deactivate_key.undo")
    step = made(params=f'{{"key": "{key}"}}', done=done.model_dump_json(), targets="[]")
    plan = await step.plan(world(aws))
    assert plan.targets == (f"iam:{key}",) and plan.effect.startswith(f"Activate the access key {key} of")
    assert (await step.reconcile(world(aws))).happened is False and (await step.verify(world(aws), None)).ok is None
    assert await step.run(act(aws)) == done
    assert (await step.reconcile(world(aws))).happened is True and (await step.verify(world(aws), None)).ok is True
    with pytest.raises(Refused, match="active already"):
        await step.plan(world(aws))


async def test_what_is_not_understood_any_more_is_refused() -> None:
    made: Any = find("aws.iam_deactivate_key.undo")
    with pytest.raises(Refused, match="not understood"):
        await made(params='{"other": 1}', done="{}").run(None)
