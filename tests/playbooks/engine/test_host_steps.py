"""Commands on hosts under the engine: parked while they run, found again after a lost line, left over only where they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.ssh import SshRunner
from playbooks.engine.leftovers import leftovers
from playbooks.policy import load_policy
from storage import timeline

EXAMPLE = Path(__file__).resolve().parents[3] / "muster.example.yaml"
STEPS = """
  - id: plan
    uses: host.run
    with: {host: staging, command: terraform_plan, arguments: {environment: staging}}
  - id: other
    uses: host.run
    with: {host: staging, command: terraform_plan, arguments: {environment: dr}}
  - id: show
    uses: host.look
    with: {host: staging, command: terraform_show, arguments: {plan: "${{ steps.plan.outputs.values.plan }}"}}
  - id: stop
    uses: host.destroy
    with: {host: staging, command: container_stop, arguments: {container: corporate-intel-redis}}
"""


@pytest.fixture
async def tools(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[type, Any]]:
    for name, value in sandbox.env().items():
        if "_HOST_" in name:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr("playbooks.actions.host_step.WAIT_S", 0.0)
    policy = load_policy(EXAMPLE)
    one = Hosts(policy.hosts, policy.commands, {"ssh": lambda: SshRunner(connect_timeout=20)}, (), ["sandbox"])
    yield {HostReads: one, Hosts: one}
    await one.close()


async def test_a_long_command_is_parked_its_values_are_used_and_nothing_destructive_starts_alone(
    stage: Any, tools: dict[type, Any], sb: SandboxClient
) -> None:
    engine = stage.engine()
    engine.house.tools = {**engine.house.tools, **tools}
    await sb.change_host("staging", slow={"terraform plan": 0.3})
    await sb.fail("host", "terraform plan", "close_after")  # the line is cut after it began
    run = await stage.request(STEPS, engine)
    await engine.start()
    asked = await stage.held(run)
    first, parked, second, third = await stage.steps(run)
    assert [one.state for one in (first, parked, second, third)] == ["succeeded"] * 3 + ["held"]
    assert parked.outputs["exit"] == 0 and parked.outputs["values"]["plan"] != first.outputs["values"]["plan"]
    assert second.outputs["output"].strip() == "Plan: 2 to add, 1 to change, 0 to destroy."
    assert asked.plan["effect"] == "Run container_stop on staging: docker stop corporate-intel-redis"
    machine = (await sb.hosts())["staging"]
    assert [line.split()[1] for line in machine["ran"] if line.startswith("terraform")] == ["plan", "plan", "show"]
    assert machine["containers"]["corporate-intel-redis"]["status"] == "running"
    told = await stage.db.read(lambda tx: timeline.read(tx, "org", types=("step.parked", "step.reconciled")))
    assert {event.type for event in told} == {"step.parked", "step.reconciled"}
    assert await stage.db.read(lambda tx: leftovers(tx, [first, second], stage.policy)) == []
