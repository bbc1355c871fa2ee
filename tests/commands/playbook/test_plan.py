"""/playbook plan"""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine.dry_run import DryRun, PlannedStep


@pytest.fixture
def dry(talk: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine would see."""
    found = DryRun("failover/rds-multi-az", "RDS Multi-AZ failover", history="Usually takes 4 min (3 earlier runs)")
    found.steps = [
        PlannedStep(1, "before", "aws.rds_describe", "", "ok", "orders-db is `available`, Multi-AZ"),
        PlannedStep(
            2, "failover", "aws.rds_failover", "", "held", "Reboot orders-db with failover: a -> b",
            ("Connections drop for 60-120 s.",), data_loss="0 s (synchronous standby)", destructive=True, people=2,
            groups=("sre",),
        ),
        PlannedStep(3, "health", "http.probe", "Probe", "later", "known after step 2"),
    ]  # fmt: skip
    seen: dict[str, Any] = {"found": found}

    async def dry_run(playbook: Any, inputs: Any, incident: str | None) -> DryRun:
        seen.update(inputs=inputs, incident=incident)
        return found

    monkeypatch.setattr(talk.house.engine, "dry_run", dry_run)
    return seen


async def test_exactly_what_would_happen(talk: Any, dry: dict[str, Any]) -> None:
    await talk.declare()
    reply = await talk("Ben", "playbook plan failover/rds-multi-az")
    assert dry["inputs"] == {"service": "checkout"} and dry["incident"] == "INC-1"
    lines = reply.text.splitlines()
    assert lines[0] == "*Plan: RDS Multi-AZ failover* (dry run, nothing was changed)"
    assert lines[1] == "1. ✅ *aws.rds_describe* orders-db is `available`, Multi-AZ"
    assert lines[2] == (
        "2. 🔐 *aws.rds_failover* *would reboot orders-db with failover: a -&gt; b*. Connections drop for 60-120 s. "
        "*Point of no return*. Data lost if you go now: 0 s (synchronous standby). Needs 2 of `@sre`"
    )
    assert lines[-1] == "Usually takes 4 min (3 earlier runs). Cannot be undone."
    line = "playbook run failover/rds-multi-az incident=INC-1 service=checkout"
    assert sorted(reply.buttons[0].line.split()) == sorted(line.split())
    assert (await talk("Ben", reply.buttons[0].line, kind="button")).data == {"run": "INC-1/2"}


async def test_a_step_that_cannot_be_done_says_why(talk: Any, dry: dict[str, Any]) -> None:
    dry["found"].steps[1] = PlannedStep(2, "failover", "aws.rds_failover", "", "refused", error="No standby.")
    reply = await talk("Ben", "playbook plan failover/rds-multi-az service=checkout", channel="CTOWN")
    assert not reply.ok and "⛔ *aws.rds_failover* *cannot be done now*: No standby." in reply.text
    assert reply.buttons == ()
