"""`http.canary`: fails fast."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.http.canary import Canary
from playbooks.connectors.http import HttpReads
from playbooks.errors import NotYet, Refused
from tests.patience import CONNECT_S, READ_S


@pytest.fixture
async def http() -> AsyncIterator[HttpReads]:
    """Without waiting for AWS, as the folder's own does."""
    one = HttpReads(connect_timeout=CONNECT_S, read_timeout=READ_S)
    yield one
    await one.close()


async def test_a_low_score_fails_at_once_and_none_is_asked_for_again(
    world: Any, http: HttpReads, env: dict[str, str], sb: SandboxClient
) -> None:
    step = Canary(url=env["CHECKOUT_CANARY_URL"], threshold=0.95)
    seen = await step.look(world(http))
    assert step.say(seen) == "the canary scores 0.98 (at least 0.95)"
    plan = await step.plan(world(http))
    assert plan.effect.endswith("must score at least 0.95 within 5 min") and plan.outputs["score"] == 0.98
    await sb.post("canary", canary_score=0.9499)
    with pytest.raises(Refused, match=r"scores 0.9499, less than 0.95"):
        await step.look(world(http))
    assert (await step.plan(world(http))).outputs is None
    for answer in ({"canary_score": True}, {"canary_score": "0.99"}, {}):
        await sb.post("canary", **answer)
        with pytest.raises(NotYet, match="which is no score"):
            await step.look(world(http))
    await sb.fail("http", "canary", "503")
    with pytest.raises(NotYet, match="answers 503"):
        await step.look(world(http))
    await sb.fail("http", "canary", "reset")
    with pytest.raises(NotYet, match="does not answer"):
        await step.look(world(http))
    await sb.post("canary", checks={"deep": [0.99]})
    assert (await Canary(url=step.url, json_path="checks.deep.0").look(world(http))).score == 0.99
