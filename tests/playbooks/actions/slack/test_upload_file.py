"""`slack.upload_file`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import World
from playbooks.actions.slack.upload_file import UploadFile
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.ports import Drafts

STEP = UploadFile(channel="C0INCIDENTS", document="doc-7", title="Post-mortem")


async def test_it_shares_the_document(act: Any, world: Any, slack: Slack, drafts: Drafts, sb: SandboxClient) -> None:
    plan = await STEP.plan(world(slack, drafts))
    assert plan.effect == "Upload INC-42-post-mortem.md (sha256 abababababab) to C0INCIDENTS"
    done = await STEP.run(act(slack, drafts))
    shared = (await sb.messages("incidents"))[-1].files[0]
    assert (shared["id"], shared["title"], shared["name"]) == (done.file_id, "Post-mortem", "INC-42-post-mortem.md")
    assert STEP.say(done) == "Shared INC-42-post-mortem.md"


@pytest.mark.parametrize(
    ("mode", "happened"), [("timeout_after", True), ("close_after", True), ("timeout_before", False), ("500", False)]
)
async def test_reconcile_knows(
    act: Any, world: Any, slack: Slack, drafts: Drafts, sb: SandboxClient, mode: str, happened: bool
) -> None:
    await sb.fail("slack", "files.completeUploadExternal", mode)
    with pytest.raises(Uncertain):
        await STEP.run(act(slack, drafts))
    found = await STEP.reconcile(world(slack, drafts))
    assert found.happened is happened and (not happened or found.outputs.file_id)


async def test_to_one_person_it_goes_directly_and_is_not_looked_for(
    act: Any, world: Any, slack: Slack, drafts: Drafts, sb: SandboxClient
) -> None:
    step = UploadFile(channel="U0BEN", document="doc-7")
    done = await step.run(act(slack, drafts))
    (shared,) = (await sb.messages("@U0BEN"))[-1].files
    assert shared["id"] == done.file_id
    found = await step.reconcile(world(slack, drafts))
    assert found.happened is None and "direct messages" in found.evidence


async def test_it_reads_for_the_incident_of_its_run_alone(slack: Slack, drafts: Any, now: datetime) -> None:
    tools: dict[type, Any] = {SlackReads: slack, Drafts: drafts}
    await STEP.plan(World(tools, now=now, scope={"incident": {"id": "INC-42"}}))
    await STEP.plan(World(tools, now=now))
    assert drafts.asked_of == ["INC-42", ""]


async def test_429_and_refusals(act: Any, world: Any, slack: Slack, drafts: Drafts, sb: SandboxClient) -> None:
    await sb.fail("slack", "files.getUploadURLExternal", "429")
    with pytest.raises(Temporary):
        await STEP.run(act(slack, drafts))
    with pytest.raises(Refused):
        await UploadFile(channel="C0INCIDENTS", document="none").plan(world(slack, drafts))
    await sb.fail("slack", "conversations.history", "missing_scope")
    assert (await STEP.reconcile(world(slack, drafts))).happened is None
