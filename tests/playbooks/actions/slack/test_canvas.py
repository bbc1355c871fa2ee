"""`slack.canvas`: added once, people's words stay, and where there is no canvas a file says so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.actions.slack.canvas import Canvas
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.ports import Drafts

STEP = Canvas(channel="C0INCIDENTS", title="Status", text="## Status\n\nFailing over.")
CREATE, EDIT = "conversations.canvases.create", "canvases.edit"


async def texts(sb: SandboxClient) -> list[str]:
    return [one["text"] for one in await sb.get("canvases")]


async def test_it_makes_the_canvas_and_later_adds_to_it(
    act: Any, world: Any, slack: Slack, drafts: Drafts, sb: SandboxClient, sandbox: Sandbox
) -> None:
    plan = await STEP.plan(world(slack))
    assert plan.effect.startswith("Add Status (24 characters, sha256 ")
    assert plan.effect.endswith(") to the canvas of C0INCIDENTS, at the end")
    done = await STEP.run(act(slack))
    assert done.made and STEP.say(done) == "Wrote Status into a new canvas of the channel"
    (canvas,) = sandbox.world.canvases.values()
    canvas.sections.append(["temp:C:1", "People wrote this"])
    document = Canvas(channel="C0INCIDENTS", document="doc-7", where="start")
    again = await document.run(act(slack, drafts, key="key-2"))
    (text,) = await texts(sb)
    assert not again.made and again.canvas_id == done.canvas_id
    assert text.index("# INC-42") < text.index("Failing over.") < text.index("People wrote this")
    assert text.count("Written by Muster") == 2
    canvas.writable = False
    filed = await STEP.run(act(slack))
    assert filed.why_file == "restricted_action" and await texts(sb) == [text]


@pytest.mark.parametrize(("method", "first"), [(CREATE, False), (EDIT, True)])
async def test_a_lost_answer_is_found_by_its_line(
    act: Any, world: Any, slack: Slack, sb: SandboxClient, method: str, first: bool
) -> None:
    if first:
        await STEP.run(act(slack, key="another"))
    await sb.fail("slack", method, "close_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(slack))
    assert (await STEP.reconcile(world(slack))).happened is True
    assert (await STEP.reconcile(world(slack, key="key-3"))).happened is False
    await sb.fail("slack", "canvases.sections.lookup", "missing_scope")
    assert (await STEP.reconcile(world(slack))).happened is None
    await sb.fail("slack", EDIT, "429")
    with pytest.raises(Temporary):
        await STEP.run(act(slack))


async def test_without_the_scope_or_the_plan_it_is_a_file_that_says_so(
    act: Any, world: Any, slack: Slack, sb: SandboxClient
) -> None:
    await sb.scopes(remove=["canvases:write"])
    assert "as the file status.md to C0INCIDENTS" in (await STEP.plan(world(slack))).effect
    done = await STEP.run(act(slack))
    message = (await sb.messages("incidents"))[-1]
    assert (done.why_file, message.files[0]["id"], await texts(sb)) == ("missing_scope", done.file_id, [])
    assert "Slack refused (missing_scope); so it is a file" in message.text and "not in the canvas" in STEP.say(done)
    assert (await sb.files())[0]["text"] == STEP.text
    await sb.scopes(add=["canvases:write"])
    other = STEP.model_copy(update={"title": "Next"})
    await sb.fail("slack", CREATE, "error:team_tier_cannot_create_channel_canvases")
    await sb.fail("slack", "files.completeUploadExternal", "close_after")
    with pytest.raises(Uncertain):
        await other.run(act(slack))
    found = await other.reconcile(world(slack))
    assert found.happened is True and found.outputs is not None and await texts(sb) == []
    await sb.fail("slack", CREATE, "error:canvas_creation_failed")
    with pytest.raises(Refused, match="canvas_creation_failed"):
        await other.run(act(slack))


async def test_two_at_once_make_one_canvas_with_both(act: Any, slack: Slack, sb: SandboxClient) -> None:
    await sb.latency("slack", 0.1, CREATE)  # both have looked before the first is there
    both = await asyncio.gather(STEP.run(act(slack, key="a")), STEP.run(act(slack, key="b")))
    (text,) = await texts(sb)
    assert sorted(one.made for one in both) == [False, True] and text.count("Failing over.") == 2
    with pytest.raises(ValidationError, match="`text` or `document`"):
        Canvas(channel="C1")
