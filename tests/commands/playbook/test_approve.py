"""/playbook approve"""

from __future__ import annotations

from typing import Any


async def test_a_button_says_all_of_it(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Ben", "playbook approve INC-1/2 9f2c44aabb00", kind="button", message_ts="17.1")
    assert not reply.ok and reply.text == "Your approval does not count."
    assert (heard[0]["run"], heard[0]["digest"], heard[0]["choice"]) == ("INC-1/2", "9f2c44aabb00", "approve")
    assert heard[0]["via"] == "slack:C42:17.1" and heard[0]["actor"].name == "Ben"


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


async def test_the_real_engine_answers_too(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    reply = await talk("Chi", "playbook approve INC-1/2")
    assert not reply.ok and "Nothing in INC-1/2 (failover/rds-multi-az) waits for approval." in reply.text
