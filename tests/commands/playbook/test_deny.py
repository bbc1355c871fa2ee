"""/playbook deny"""

from __future__ import annotations

from typing import Any


async def test_the_reason_comes_from_the_line_or_the_form(talk: Any, heard: list[dict[str, Any]]) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    line = "playbook deny INC-1/2 9f2c44aabb00"
    assert (await talk("Chi", line, kind="form", values={"reason": "too risky"})).ok
    assert (heard[0]["choice"], heard[0]["digest"], heard[0]["reason"]) == ("deny", "9f2c44aabb00", "too risky")
    await talk("Chi", "playbook deny INC-1/2 the replica is behind")
    assert (heard[1]["digest"], heard[1]["reason"]) == (None, "the replica is behind")
