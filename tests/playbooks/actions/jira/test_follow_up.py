"""`jira.follow_up`: one issue per follow-up, with its day where Jira takes one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.jira.follow_up import FollowUp
from playbooks.connectors.jira import Jira, label_of
from playbooks.errors import Refused, Uncertain

STEP = FollowUp(summary="Alarm on lag", marker="INC-42/f1", due="2026-12-04")


async def test_one_issue_with_its_day_and_no_fact(world: Any, act: Any, jira: Jira, sb: SandboxClient) -> None:
    assert FollowUp.facts == {}, "the incident's own ticket stays"
    assert (await STEP.plan(world(jira))).effect == "Create a Task in Jira OPS: Alarm on lag"
    done = await STEP.run(act(jira))
    assert await STEP.run(act(jira, key="key-2")) == done
    (issue,) = await sb.get("jira")
    assert issue["fields"]["duedate"] == "2026-12-04" and label_of("INC-42/f1") in issue["fields"]["labels"]
    await sb.post("jira", dated=False)
    other = await FollowUp(summary="b", marker="INC-42/f2", due="2026-12-04").run(act(jira, key="key-3"))
    assert other.ticket == "OPS-2" and "duedate" not in (await sb.get("jira"))[1]["fields"]
    with pytest.raises(Refused, match="issuetype"):
        await FollowUp(summary="x", marker="c", due="2026-12-04", kind="Epic").run(act(jira, key="key-4"))


async def test_a_lost_answer_is_found(world: Any, act: Any, jira: Jira, sb: SandboxClient) -> None:
    await sb.fail("jira", "POST /issue", "close_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(jira))
    assert (await STEP.reconcile(world(jira))).happened is True
