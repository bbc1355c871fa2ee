"""/incident deploys"""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine.dry_run import DryRun, PlannedStep
from playbooks.errors import Temporary
from playbooks.policy_services import Workload


@pytest.fixture
def seen(talk: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine would see of checkout's deployment; `error` makes it fail."""
    policy = talk.house.policy
    checkout = policy.services["checkout"].model_copy(
        update={"kubernetes": Workload.model_construct(namespace="production", deployment="api")}
    )
    talk.house.policy = policy.model_copy(update={"services": {**policy.services, "checkout": checkout}})
    asked: dict[str, Any] = {}

    async def dry_run(playbook: Any, inputs: Any, incident: str | None) -> DryRun:
        asked.update(playbook=playbook.name, inputs=inputs, incident=incident)
        if "error" in asked:
            raise Temporary("The cluster did not answer within 5 s.")
        found = DryRun("assess/deploys", "")
        words = (
            "production/api: 3 of 3 pods; revision 2 made 20 Nov 13:52 (11 min ago): <api>:1.5.0 | revision 1: api:1.4"
        )
        found.steps = [PlannedStep(1, "deploys", "kubernetes.deploys", "", "ok", words)]
        return found

    monkeypatch.setattr(talk.house.engine, "dry_run", dry_run)
    return asked


async def test_what_kubernetes_keeps_and_what_muster_ran(talk: Any, seen: dict[str, Any]) -> None:
    id = await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ana", "incident deploys")
    assert (seen["playbook"], seen["inputs"], seen["incident"]) == ("assess/deploys", {"service": "checkout"}, id)
    assert "11 min ago): &lt;api&gt;:1.5.0" in reply.text and "• revision 1: api:1.4" in reply.text
    assert "Muster: failover/rds-multi-az (INC-1/2, real) _queued_" in reply.text
    assert reply.buttons[0].line == f"playbook plan kubernetes/roll-back incident={id} service=checkout"
    seen["error"] = True
    reply = await talk("Ana", "incident deploys")
    assert (
        not reply.ok and "could not be asked: The cluster did not answer" in reply.text and "rds-multi-az" in reply.text
    )


async def test_a_service_without_kubernetes_and_none_at_all(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ana", "incident deploys auth")
    assert "names no Kubernetes deployment" in reply.text and "ran nothing for it" in reply.text
    assert "There is no service" in (await talk("Ana", "incident deploys chekout")).text
    other = await talk.declare("sev3 something", channel="C43")
    assert f"{other} names no service" in (await talk("Ana", "incident deploys")).text


async def test_what_was_run_in_a_private_incident_is_not_told(talk: Any) -> None:
    await talk.declare("sev1 a leak type=security service=checkout")
    await talk("Ben", "playbook run failover/rds-multi-az")
    await talk.declare("sev2 checkout is slow service=checkout", channel="C43")
    assert "rds-multi-az" not in (await talk("Eve", "incident deploys")).text
    assert "rds-multi-az" in (await talk("Ben", "incident deploys")).text
