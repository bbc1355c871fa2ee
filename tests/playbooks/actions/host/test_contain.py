"""`host.contain`: closed once, seen closed, opened again by the quorum's undo."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk, find
from playbooks.actions.host.contain import Contain
from playbooks.errors import Refused

STEP = Contain(host="production", command="firewall_close", arguments={"port": "443"})
RULE = "DOCKER-USER -p tcp -m conntrack --ctorigdstport 443 --ctdir ORIGINAL -j DROP"


async def rules(sb: SandboxClient) -> list[str]:
    found: list[str] = (await sb.hosts())["production"]["rules"]
    return found


async def test_it_closes_the_published_port_and_is_taken_back(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    plan = await STEP.plan(world)
    assert plan.effect == f"Run firewall_close on production: sudo -n iptables -I {RULE}"
    assert (
        plan.notes == ("firewall_open on production is as it must be",) and plan.undo == "Run firewall_restore there."
    )
    assert (Contain.risk, Contain.undo_risk()) == (Risk.CONTAIN, Risk.RECOVERABLE)
    done = await STEP.run(act)
    assert (await STEP.verify(world, done)).ok is True and await rules(sb) == [RULE]
    with pytest.raises(Refused, match="firewall_open says it ended with 0"):
        await STEP.plan(world)  # closed already: a second rule would survive one undo
    assert Contain.leaves(done.model_dump())
    undo = find("host.contain.undo")
    assert undo is not None and undo.risk is Risk.RECOVERABLE
    back, back_act = at(key="undo")
    assert "iptables -D" in (await STEP.plan_undo(back, done)).effect
    await STEP.undo(back_act, done)
    assert (await STEP.verify_undo(back, done)).ok is True and await rules(sb) == []
    with pytest.raises(Refused, match="firewall_closed says"):
        await STEP.plan_undo(at(key="undo-2")[0], done)


async def test_a_rule_that_is_gone_again_is_not_believed(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    await sb.change_host("production", answers={"iptables -I": [0, ""]})  # it says yes and does nothing
    look = await STEP.verify(world, await STEP.run(act))
    assert look.ok is None and "firewall_closed on production: it ended with 1" in look.text
    with pytest.raises(Refused, match=r"Use host.destroy"):
        await Contain(host="production", command="firewall_restore", arguments={"port": "80"}).plan(world)
