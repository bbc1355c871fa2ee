"""`host.run`: what hurts nobody."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.host.run import Run
from playbooks.errors import Refused, Temporary

PLAN = Run(host="staging", command="terraform_plan", arguments={"environment": "staging"})


async def test_its_values_are_outputs_and_a_key_names_its_file(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    plan = await PLAN.plan(world)
    assert plan.effect.endswith("'-out=/var/lib/muster/plans/{key}.tfplan' (in /opt/infrastructure)")
    assert plan.warnings == ("It may take up to 15 min.",) and Run.risk is Risk.WRITE and plan.undo == ""
    done = await PLAN.run(act)
    assert (done.values["add"], done.values["destroy"]) == ("2", "0") and not Run.leaves(done.model_dump())
    assert done.values["plan"] in (await sb.hosts())["staging"]["files"]
    assert (await PLAN.verify(world, done)).ok is True
    with pytest.raises(Refused, match="names no command that takes terraform_plan back"):
        await PLAN.plan_undo(world, done)


async def test_what_may_be_begun_again_is_and_what_is_over_is_not(at: Any, sb: SandboxClient) -> None:
    up = Run(host="production", command="compose_up", arguments={"service": "redis"})
    world, act = at()
    await sb.change_host("production", slow={"compose up": 30})
    from playbooks.actions import host_step

    wait, host_step.WAIT_S = host_step.WAIT_S, 0.0
    try:
        await up.run(act)
        await sb.change_host("production", kill=True)
        found = await up.reconcile(world)
        assert found.happened is False and "may simply be begun again" in found.evidence
        await sb.change_host("production", slow={"compose up": 0})
        host_step.WAIT_S = 2.0
        done = await up.run(act)  # the same key: what was cut off is begun again
    finally:
        host_step.WAIT_S = wait
    assert done.exit == 0 and (await up.reconcile(world)).happened is True


async def test_a_bad_expectation_fails_it_with_its_words(at: Any, sb: SandboxClient) -> None:
    rehearsal = Run(host="staging", command="rehearsal_restore")
    world, act = at()
    answer = (
        '{"canary_score": 0.91, "queue_drained": true, "webhooks_replayed": true, "seeded_rows": 12, '
        '"migrated_to": "head", "storage": {"object_storage": true, "analytics_warehouse": true}}'
    )
    await sb.change_host("staging", answers={"disaster_recovery.sh": [0, answer]})
    done = await rehearsal.run(act)
    look = await rehearsal.verify(world, done)
    assert look.ok is False and "canary_score is 0.91, less than 0.95" in look.text
    assert rehearsal.say(done).startswith("rehearsal_restore on staging ended with 0: “{")
    await sb.change_host("staging", unreachable=True)
    with pytest.raises(Temporary):
        await rehearsal.run(at(key="other")[1])
