"""/playbook approve, deny and revoke reach the engine with the run, the digest and the proof."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine.voting import Said


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the engine was told."""
    found: list[dict[str, Any]] = []

    def vote(tx: Any, engine: Any, **said: Any) -> Said:
        found.append(said)
        return Said("Your approval does not count.", ok=said["choice"] == "deny")

    def revoke(tx: Any, engine: Any, **said: Any) -> Said:
        found.append(said)
        return Said("Withdrawn.")

    monkeypatch.setattr("commands.playbook.approve.vote", vote)
    monkeypatch.setattr("commands.playbook.deny.vote", vote)
    monkeypatch.setattr("commands.playbook.revoke.revoke", revoke)
    return found


async def test_a_button_says_all_of_it(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    more = {"kind": "button", "message_ts": "17.1"}
    reply = await talk("Ben", "playbook approve INC-1/2 9f2c44aabb00", **more)
    assert not reply.ok and reply.text == "Your approval does not count."
    assert (heard[0]["run"], heard[0]["digest"], heard[0]["choice"]) == ("INC-1/2", "9f2c44aabb00", "approve")
    assert heard[0]["via"] == "slack:C42:17.1" and heard[0]["actor"].name == "Ben"
    await talk("Ben", "playbook deny INC-1/2 9f2c44aabb00", **more, values={"reason": "too risky"})
    assert (heard[1]["choice"], heard[1]["reason"]) == ("deny", "too risky")
    await talk("Ben", "playbook revoke INC-1/2 wrong zone")
    assert heard[2]["reason"] == "wrong zone"


async def test_strangers_votes_reach_the_engine_which_records_them(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    await talk("x", "playbook approve INC-1/2", account="T9/UX")
    assert heard[0]["actor"].person is None


async def test_without_a_run_that_waits_nothing_is_voted(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    reply = await talk("Ben", "playbook approve")
    assert not reply.ok and "No run of INC-1 waits for approval" in reply.text and heard == []
    assert "There is no run *INC-9/9*" in (await talk("Ben", "playbook approve INC-9/9")).text
