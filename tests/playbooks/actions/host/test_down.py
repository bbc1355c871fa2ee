"""`host.down`: only what answers neither by SSH nor by its address is down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import World
from playbooks.actions.host.down import HostDown
from playbooks.connectors.hosts import HostReads
from playbooks.connectors.http import HttpReads
from playbooks.errors import Refused


async def test_a_host_is_down_when_nothing_of_it_answers(hosts: Any, sandbox: Sandbox, sb: SandboxClient) -> None:
    http = HttpReads(read_timeout=20.0)
    world = World({HostReads: hosts, HttpReads: http}, now=datetime.now(UTC))
    step = HostDown(host="production", url=sandbox.env()["STOREFRONT_HEALTH_URL"])
    with pytest.raises(Refused, match="production is not down: it can be signed in to by SSH"):
        await step.look(world)
    await sb.change_host("production", denied=True)  # who does not let us in is there
    with pytest.raises(Refused, match="does not let muster in"):
        await step.look(world)
    await sb.change_host("production", unreachable=True, denied=False)
    seen = await step.look(world)
    assert seen.ssh.startswith("SSH could not be reached for production")
    assert seen.http.endswith("answers 504") and "production does not answer" in step.say(seen)
    assert (await HostDown(host="production").look(world)).http == ""
    elsewhere = HostDown(host="production", url=sandbox.env()["STOREFRONT_SECONDARY_HEALTH_URL"])
    with pytest.raises(Refused, match="answers 200"):
        await elsewhere.look(world)
    await sb.change_host("dr", containers={"ecommerce_nginx": {"status": "exited"}})
    assert "answers 503" in (await elsewhere.look(world)).http
    with pytest.raises(Refused, match="no host produktion"):
        await HostDown(host="produktion").look(world)
    await http.close()
