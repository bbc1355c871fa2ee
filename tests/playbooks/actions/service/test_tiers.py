"""`service.tiers`: all services of the policy in the order of recovery, and what must answer."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.policy_tools import ServicesOf
from bot.sandbox.client import SandboxClient
from playbooks.actions.service.tiers import ServiceTiers
from playbooks.connectors.http import HttpReads
from playbooks.errors import NotYet, Refused
from playbooks.policy_services import Service
from playbooks.ports import Services


def services(health: str, canary: str) -> Any:
    """A policy's services: a shop with another address at b, one without any, one that is dead."""
    made = (
        Service(name="reports", title="Reports", tier=3, rto="60m", rpo="60m", health_url="http://127.0.0.1:1/health"),
        Service(name="shop", tier=1, rto="15m", rpo="5m", health_url=health, resources={"b": {"health_url": canary}}),
        Service(name="calls", tier=0, rto="5m", rpo="5m"),
    )
    return SimpleNamespace(services={one.name: one for one in made})


async def test_it_says_what_answers_and_refuses_without_what_must(
    world: Any, sb: SandboxClient, env: dict[str, str]
) -> None:
    policy = services(env["CHECKOUT_HEALTH_URL"], env["CHECKOUT_CANARY_URL"])
    http = HttpReads()

    def at() -> Any:
        made = world(http)
        made._tools[Services] = ServicesOf(policy)
        return made

    await sb.settings(broken_zone="none")
    step = ServiceTiers(site="a")
    seen = await step.look(at())
    assert (seen.up, seen.down, seen.unknown) == (["shop"], ["reports"], ["calls"])
    assert list(seen.seen) == ["calls", "shop", "reports"] and seen.seen["shop"] == "tier 1: answers 200"
    assert step.say(seen) == "up: shop; down: reports; not known: calls"
    assert (await step.model_copy(update={"through": 2}).look(at())).up == ["shop"]
    with pytest.raises(Refused, match=r"Reports \(tier 3\) does not answer"):
        await step.model_copy(update={"through": 3}).look(at())
    await sb.fail("http", "*", "503", times=2)
    patient = ServiceTiers(site="b", through=1, within=timedelta(minutes=1))
    with pytest.raises(NotYet, match="shop"):
        await patient.look(at())
    assert "1 min" in (await patient.plan(at())).effect and (await patient.look(at())).up == ["shop"]
    await http.close()
