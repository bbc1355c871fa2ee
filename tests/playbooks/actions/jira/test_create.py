"""`jira.create`: one ticket, also after a lost answer and behind a slow index."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.issues import SETTLED_S
from playbooks.actions.jira.create import Create
from playbooks.connectors.jira import Jira, label_of
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Create(summary="Checkout is slow", description="See INC-42.", marker="INC-42", labels=["incident"])


async def test_one_marker_is_one_ticket(world: Any, act: Any, jira: Jira, sb: SandboxClient) -> None:
    plan = await STEP.plan(world(jira))
    assert plan.effect == "Create a Task in Jira OPS: Checkout is slow" and plan.notes == ()
    assert Create(summary="a\n" + "b" * 300, marker="m").summary == "a " + "b" * 252 + "…"
    done = await STEP.run(act(jira))
    assert done.ticket == "OPS-1" and done.url.endswith("/browse/OPS-1")
    assert (await STEP.verify(world(jira), done)).text == "OPS-1 is To Do: Checkout is slow"
    assert await STEP.run(act(jira, key="key-2")) == done
    assert "OPS-1 has this marker already" in (await STEP.plan(world(jira))).notes[0]
    (issue,) = await sb.get("jira")
    assert issue["fields"]["labels"] == ["incident", label_of("INC-42"), label_of("key-1")]
    with pytest.raises(Refused, match="issuetype: The issue type selected is invalid"):
        await Create(summary="x", marker="INC-43", kind="Epic").run(act(jira, key="key-3"))


@pytest.mark.parametrize("mode", ["timeout_after", "close_after"])
async def test_a_lost_answer_is_found_once_the_index_has_it(
    world: Any, act: Any, jira: Jira, sb: SandboxClient, mode: str
) -> None:
    await sb.post("jira", lag_s=60)
    await sb.fail("jira", "POST /issue", mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(jira))
    early = await STEP.reconcile(world(jira))
    assert early.happened is None and "too early" in early.evidence
    await sb.post("jira", lag_s=0)
    found = await STEP.reconcile(world(jira))
    assert found.happened is True and found.outputs.ticket == "OPS-1" and len(await sb.get("jira")) == 1


async def test_what_never_arrived_throttled_and_denied(world: Any, act: Any, jira: Jira, sb: SandboxClient) -> None:
    for mode, error in (("reset", Uncertain), ("500", Uncertain), ("429", Temporary), ("error:no", Refused)):
        await sb.fail("jira", "POST /issue", mode)
        with pytest.raises(error):
            await STEP.run(act(jira))
    assert await sb.get("jira") == []
    assert (await STEP.reconcile(world(jira, later_s=SETTLED_S + 1))).happened is False
