"""`host.wait_healthy`: every container, not one of many."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.host.wait_healthy import WaitHealthy
from playbooks.errors import NotYet, Refused

STEP = WaitHealthy(host="production", command="compose_healthy", within="5m")


async def test_one_healthy_container_of_many_is_not_healthy(at: Any, sb: SandboxClient) -> None:
    world, _ = at()
    seen = await STEP.look(world)
    assert STEP.say(seen) == "compose_healthy on production is as expected" and STEP.within_s() == 300
    await sb.change_host("production", containers={"ecommerce_nginx": {"health": "starting"}})
    with pytest.raises(NotYet, match="4 of 5 are right: ecommerce_nginx is starting"):
        await STEP.look(world)
    plan = await STEP.plan(world)
    assert plan.effect.startswith("compose_healthy on production must be as expected within 5 min: docker compose")
    assert plan.outputs is None and "4 of 5" in plan.notes[0]
    await sb.change_host("production", unreachable=True)
    with pytest.raises(NotYet, match="does not answer now"):
        await STEP.look(world)
    with pytest.raises(Refused, match="is no look"):
        await WaitHealthy(host="dr", command="compose_down").look(world)
