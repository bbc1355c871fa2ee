"""`aws.secret_restore`: the label moves back once, and no value is read."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.secret_restore import SecretRestore
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

MOVE, NAME = "UpdateSecretVersionStage", "checkout/api"
STEP = SecretRestore(secret=NAME)


@pytest.fixture
async def ids(aws: Aws) -> tuple[str, str]:
    """(the version before, the current one), made by a write."""
    old = (await aws.secret_seen(NAME)).current
    await aws._call("secretsmanager", "put_secret_value", write=True, SecretId=NAME, SecretString='{"token": "bad"}')
    return old, (await aws.secret_seen(NAME)).current


async def test_the_version_before_is_current_again(
    act: Any, world: Any, aws: Aws, ids: Any, effects: Any, sb: SandboxClient
) -> None:
    old, new = ids
    plan = await STEP.plan(world(aws))
    assert plan.effect == f"Make version {old[:8]}… of {NAME} current again, in place of {new[:8]}…"
    assert plan.targets == (f"secret:{NAME}",) and await effects("aws", MOVE) == 0
    bound = STEP.model_copy(update={"from_version": new})
    done = await bound.run(act(aws))
    assert (done.version, done.old_version) == (old, new) and (await STEP.verify(world(aws), done)).ok is True
    with pytest.raises(Refused, match="another current version"):
        await bound.run(act(aws))
    with pytest.raises(Refused, match="current already"):
        await STEP.model_copy(update={"to_version": old}).run(act(aws))
    assert (await STEP.reconcile_undo(world(aws), done)).happened is False
    await STEP.undo(act(aws), done)
    assert (await aws.secret_seen(NAME)).current == new and (await STEP.verify_undo(world(aws), done)).ok is True
    assert (await STEP.verify(world(aws), done)).ok is None and await sb.calls("aws", "GetSecretValue") == []


async def test_what_is_not_there_is_refused(world: Any, aws: Aws, act: Any, effects: Any) -> None:
    for change, words in (
        ({}, "no version before"), ({"secret": "none"}, "ResourceNotFound"), ({"from_version": "x"}, "left alone"),
        ({"to_version": "00000000-0000-4000-8000-000000000000"}, "AWS refused"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=words):
            await STEP.model_copy(update=change).run(act(aws))


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, ids: Any, mode: str, happened: bool
) -> None:
    await sb.fail("aws", MOVE, mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(aws))
    for known in ({"to_version": ids[0]}, {"from_version": ids[1]}):
        found = await STEP.model_copy(update=known).reconcile(world(aws))
        assert found.happened is happened
        assert not happened or (await STEP.verify(world(aws), found.outputs)).ok is True
    assert (await STEP.reconcile(world(aws))).happened is None, "what was current before is not known"
    for way, kind in (("429", Temporary), ("error:AccessDeniedException", Refused)):
        await sb.fail("aws", MOVE, way)
        with pytest.raises(kind):
            await STEP.run(act(aws))
