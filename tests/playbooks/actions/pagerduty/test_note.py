"""`pagerduty.note`: written once, and a lost answer is looked for."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.pagerduty.note import Note
from playbooks.connectors.pagerduty import PagerDuty, PdIncident
from playbooks.errors import Refused, Temporary, Uncertain

STEP = Note(dedup_key="INC-42", text="Failing over orders-db; no action needed.")
POST = "POST /incidents/{id}/notes"


async def test_the_note_stands_on_the_page_even_a_resolved_one(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident
) -> None:
    assert "“Failing over orders-db" in (await STEP.plan(world(pagerduty))).effect
    await sb.resolve_page("INC-42", "U0BEN")
    done = await STEP.run(act(pagerduty))
    assert [one["content"] for one in (await sb.pagerduty())["incidents"][0]["notes"]] == [STEP.text]
    assert STEP.say(done).startswith(f"Noted on page {page.id}: Failing over")


async def test_a_lost_answer_is_found_and_a_refused_one_is_not(
    act: Any, world: Any, pagerduty: PagerDuty, sb: SandboxClient, page: PdIncident
) -> None:
    await pagerduty.note(page.id, "another one")
    for mode, kind in (("timeout_before", Uncertain), ("429", Temporary), ("error:bad", Refused)):
        await sb.fail("pagerduty", POST, mode)
        with pytest.raises(kind):
            await STEP.run(act(pagerduty))
        assert (await STEP.reconcile(world(pagerduty))).happened is False
    await sb.fail("pagerduty", POST, "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(pagerduty))
    found = await STEP.reconcile(world(pagerduty))
    assert found.happened is True and found.outputs is not None
    late = world(pagerduty)
    late.started_at = late.now.replace(year=late.now.year + 1)
    assert (await STEP.reconcile(late)).happened is False, "an older note of these words is another one"


async def test_without_a_page_there_is_nothing_to_note_on(act: Any, world: Any, pagerduty: PagerDuty) -> None:
    for call in (STEP.plan(world(pagerduty)), STEP.run(act(pagerduty))):
        with pytest.raises(Refused, match="No note was added"):
            await call
