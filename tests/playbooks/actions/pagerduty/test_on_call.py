"""`pagerduty.on_call`: names, levels and until when."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.on_call import OnCall
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.errors import Refused, Temporary

STEP = OnCall(service="PSRVPAY")


async def test_levels_and_shifts_by_service_policy_and_schedule(
    world: Any, pagerduty: PagerDuty, sb: SandboxClient
) -> None:
    seen = await STEP.look(world(pagerduty))
    assert [(one.name, one.email, one.level, one.policy) for one in seen.entries] == [
        ("Ben", "ben@example.com", 1, "Payments"), ("Chi", "chi@example.com", 2, "Payments"),
    ]  # fmt: skip
    assert (seen.entries[0].schedule, seen.entries[1].schedule, seen.entries[1].until) == ("Payments rota", "", "")
    assert seen.entries[0].until and seen.first == ("ben@example.com",) and len(seen.emails) == 2
    assert STEP.say(seen) == "On call for Payments: Ben (level 1), Chi (level 2)"
    assert (await OnCall(policy="PPOLPAY").look(world(pagerduty))).entries == seen.entries
    rota = await OnCall(schedule="PSCHPAY").look(world(pagerduty))
    assert (rota.where, [one.name for one in rota.entries]) == ("Payments rota", ["Ben"])
    assert (await STEP.plan(world(pagerduty))).outputs is not None
    await sb.post("pagerduty/on_call", rows=[])
    nobody = await STEP.look(world(pagerduty))
    assert (nobody.entries, nobody.first) == ((), ()) and STEP.say(nobody) == "Nobody is on call for Payments"


async def test_unknown_ids_and_a_busy_pagerduty(world: Any, pagerduty: PagerDuty, sb: SandboxClient) -> None:
    for wrong in (OnCall(service="PNONE"), OnCall(policy="PNONE"), OnCall(schedule="PNONE")):
        with pytest.raises(Refused, match="404"):
            await wrong.look(world(pagerduty))
    for both in ({}, {"service": "a", "policy": "b"}):
        with pytest.raises(ValidationError, match="name one of"):
            OnCall.model_validate(both)
    await sb.fail("pagerduty", "GET /oncalls", "429", retry_after=5)
    with pytest.raises(Temporary):
        await STEP.look(world(pagerduty))
