"""`jira.look`: done, open, gone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.jira.follow_up import FollowUp
from playbooks.actions.jira.look import Look
from playbooks.connectors.jira import Jira
from playbooks.errors import Refused, Temporary


async def test_each_issue_by_its_category(world: Any, act: Any, jira: Jira, sb: SandboxClient) -> None:
    for number in range(1, 5):
        await FollowUp(summary="x", marker=f"INC-1/f{number}").run(act(jira, key=f"key-{number}"))
    await sb.post("jira", move={"OPS-1": "Won't Do", "OPS-2": "In Progress", "OPS-4": ""})
    step = Look(tickets=["OPS-1", "OPS-2", "OPS-3", "OPS-4"])
    seen = await step.look(world(jira))
    assert (seen.done, seen.open, seen.gone) == (["OPS-1"], ["OPS-2", "OPS-3"], ["OPS-4"])
    assert step.say(seen) == "1 done, 2 open, 1 gone"
    await sb.fail("jira", "GET /issue/{key}", "503", times=1)
    with pytest.raises(Temporary):
        await step.look(world(jira))
    await sb.fail("jira", "GET /issue/{key}", "error:no", times=1)
    with pytest.raises(Refused, match="no"):
        await step.look(world(jira))
