"""/playbook pause, resume, retry, skip, abort, answer and status."""

from __future__ import annotations

from typing import Any

from storage import runs


async def test_pause_resume_and_abort_find_the_only_run(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert "starts nothing new" in (await talk("Eve", "playbook pause")).text
    assert (await talk.read(lambda tx: runs.get(tx, "INC-1/2"))).state == "paused"
    assert "goes on" in (await talk("Ben", "playbook resume /2")).text
    assert "aborted" in (await talk("Eve", "playbook abort INC-1/2 wrong service")).text
    event = (await talk.events("INC-1", "run.abort_asked"))[0]
    assert event.text("reason") == "wrong service"
    assert "has ended" in (await talk("Ben", "playbook abort INC-1/2")).text


async def test_two_runs_are_asked_about(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    await talk("Ben", "playbook run failover/rds-multi-az service=auth")
    reply = await talk("Ben", "playbook pause")
    assert not reply.ok and "Which run? INC-1/2 failover/rds-multi-az (queued), INC-1/3" in reply.text


async def test_skip_needs_a_reason_and_retry_something_to_retry(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ben", "playbook skip INC-1/2")
    assert not reply.ok and "It needs *reason*" in reply.text
    assert (await talk("Ben", "playbook skip INC-1/2 step=before looked by hand")).ok
    assert not (await talk("Ben", "playbook retry INC-1/2")).ok
    assert not (await talk("Ben", "playbook answer INC-1/2 happened")).ok


async def test_status_lists_or_tells_one(talk: Any) -> None:
    await talk.declare()
    assert "no runs yet" in (await talk("Eve", "playbook status")).text
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Eve", "playbook status")
    assert (
        "*INC-1/2* failover/rds-multi-az · *queued* · asked by Ben" in reply.text
        and "○ 2 aws.rds_failover" in reply.text
    )
    assert (await talk("Eve", "playbook status INC-1", channel="CTOWN")).text == reply.text
    assert "The runs of which incident?" in (await talk("Eve", "playbook status", channel="CTOWN")).text
