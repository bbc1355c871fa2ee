"""`dns.resolve`: looks again until the name says what it shall."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.server import Sandbox
from playbooks.actions.dns.resolve import Resolve
from playbooks.connectors.dns import DnsReads
from playbooks.errors import NotYet


async def test_it_waits_for_what_is_expected(
    world: Any, names: DnsReads, sandbox: Sandbox, env: dict[str, str]
) -> None:
    step = Resolve(
        record="checkout.example.com", type="CNAME", expect=["DR.example.com."], resolver=env["CHECKOUT_RESOLVER"]
    )
    with pytest.raises(NotYet, match=r"says primary\.checkout\.example\.com, not yet DR"):
        await step.look(world(names))
    (await sandbox.aws.route53()).change("checkout.example.com", "CNAME", ("dr.example.com",))
    seen = await step.look(world(names))
    assert step.say(seen) == f"CNAME checkout.example.com at {env['CHECKOUT_RESOLVER']}: dr.example.com"
    assert step.within_s() == timedelta(minutes=5).total_seconds()


async def test_without_an_expectation_it_says_what_is_there(world: Any, names: DnsReads, env: dict[str, str]) -> None:
    step = Resolve(record="gone.example.com", resolver=env["CHECKOUT_RESOLVER"])
    seen = await step.look(world(names))
    assert seen.values == [] and step.say(seen).endswith(": nothing")
