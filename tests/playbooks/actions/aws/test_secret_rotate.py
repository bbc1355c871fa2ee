"""`aws.secret_rotate`: rotated once under our key, and current is what counts, not pending."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.aws.secret_rotate import SecretRotate
from playbooks.connectors.aws import Aws
from playbooks.errors import Refused, Temporary, Uncertain

STEP, ROTATE = SecretRotate(secret="checkout/rotated"), "RotateSecret"


async def test_it_rotates_once(act: Any, world: Any, aws: Aws, effects: Any, settled: Any) -> None:
    plan = await STEP.plan(world(aws))
    assert plan.effect == "Rotate checkout/rotated by its own function" and plan.targets == ("secret:checkout/rotated",)
    assert (await STEP.reconcile(world(aws))).happened is False and await effects("aws", ROTATE) == 0
    before = (await aws.secret_seen("checkout/rotated")).current
    done = await STEP.run(act(aws))
    assert done.old_version == before
    early = await STEP.verify(world(aws), done)
    assert early.ok is None and early.text.endswith("is being rotated")
    with pytest.raises(Refused, match="is being rotated"):
        await STEP.run(act(aws, key="key-2"))

    async def current() -> Any:
        return (await STEP.verify(world(aws), done)).ok

    assert await settled(current)
    assert await STEP.run(act(aws)) == done and await effects("aws", ROTATE) == 1, "the same attempt rotates once"
    assert (await aws.secret_seen("checkout/rotated")).previous == before
    assert "planted-password" not in f"{plan} {done} {STEP.say(done)}"
    await STEP.plan(world(aws))  # AWS leaves `pending` on the version that is current: no rotation is under way


async def test_what_does_not_rotate_is_left_alone(act: Any, world: Any, aws: Aws, effects: Any) -> None:
    for change, words in (({"secret": "checkout/api"}, "no rotation"), ({"secret": "none"}, "ResourceNotFound")):
        for call in (STEP.model_copy(update=change).plan(world(aws)), STEP.model_copy(update=change).run(act(aws))):
            with pytest.raises(Refused, match=words):
                await call
    with pytest.raises(Refused, match="InvalidRequestException"):
        await aws.secret_rotate("checkout/api", token="key-1")


@pytest.mark.parametrize(("mode", "happened"), [("close_after", True), ("reset", False)])
async def test_a_lost_answer_is_found_by_the_version(
    act: Any, world: Any, aws: Aws, sb: SandboxClient, effects: Any, mode: str, happened: bool
) -> None:
    await STEP.plan(world(aws))
    for way, kind in (("429", Temporary), ("error:AccessDeniedException", Refused), (mode, Uncertain)):
        await sb.fail("aws", ROTATE, way)
        with pytest.raises(kind):
            await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws))).happened is happened
    await STEP.run(act(aws))
    assert (await STEP.reconcile(world(aws))).happened is True and await effects("aws", ROTATE) == 1
