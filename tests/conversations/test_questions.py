"""Questions to people from outside: one run that asks for a form, for two people's word and for a list to be ticked off.

Does not belong here: who may answer, case by case (tests/playbooks/engine/test_answering.py), silence
(test_escalating.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.sandbox.client import Message
from storage import runs
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, EVE

ASKS = """name: mine/asks
title: As people say
steps:
  - id: point
    uses: human.fill_in
    with:
      question: Restore to when?
      evidence_required: true
      fields:
        - { name: restore_to, type: time, max: now }
        - { name: nodes, type: integer, min: 1, max: 9 }
  - id: fenced
    uses: human.confirm
    with: { question: "Are all ${{ steps.point.outputs.values.nodes }} off?", who: sre, people: 2 }
  - id: after
    uses: human.checklist
    with: { title: Afterwards, items: [Read the error log, { text: Tell the shops, owner: sre }] }
"""


@pytest.fixture
async def app(town: Any, tmp_path: Path) -> App:
    """A Muster with a playbook of its own that only asks."""
    own = tmp_path / "own/mine"
    own.mkdir(parents=True)
    (own / "asks.yaml").write_text(ASKS, encoding="utf-8")
    made: App = await town.muster(muster_playbooks=str(own.parent))
    return made


async def test_a_form_two_words_and_a_list(town: Any, app: App) -> None:
    sb, channel = town.sb, await town.declared("sev3 checkout is odd service=checkout")
    await sb.change_channel(channel.removeprefix("#"), add=[BEN, CHI, EVE])
    await town.says(ANA, channel, "/incident role commander <@U0EVE|eve>", "Incident commander")

    async def card(step: int, *words: str) -> Message:
        found: Message = await sb.wait_for(
            channel, lambda m: f"step {step} · human." in m.plain and all(one in m.plain for one in words), timeout=30
        )
        return found

    await sb.type(ANA, channel, "/playbook run mine/asks")
    shown = await card(1, "Restore to when?", "the incident commander", "say what you saw")
    await sb.click(EVE, channel, "Fill in", ts=shown.ts)
    (view,) = await sb.wait_until(lambda: sb.views(EVE))
    assert "Restore to when?" in view.plain and "a whole number, 1 to 9" in view.plain
    filled = {"field.restore_to": "2999-01-01T00:00Z", "field.nodes": "12", "text": "the checksum fits"}
    said = await sb.submit(EVE, filled, view_id=view.id)
    assert said.body["response_action"] == "errors" and len(said.body["errors"]) == 2, "told inside the form"
    assert "12, where it must be at least 1 and at most 9." in said.body["errors"].values()
    await town.says(
        ANA,
        channel,
        "/playbook answer restore_to=00:00 nodes=3 guessed",
        "This is asked of the incident commander (Eve)",
    )
    await sb.submit(EVE, {**filled, "field.restore_to": "2026-01-02T03:04Z", "field.nodes": "3"}, view_id=view.id)
    await card(1, "Filled in by *Eve*: the checksum fits", "restore_to: *2026-01-02T03:04:00+00:00")

    shown = await card(2, "Are all 3 off?", "@sre", "2 people* must say the same")
    await town.presses(EVE, channel, "Yes", shown, "This is asked of @sre")
    await town.presses(BEN, channel, "Yes", shown, "1 of 2")
    await town.presses(BEN, channel, "Yes", shown, "counts already")
    await card(2, "Ben says *yes*")
    await town.says(CHI, channel, "/playbook answer yes I see them off", "Recorded: *yes*")
    await card(2, "says *Ben*, *Chi*: I see them off")

    shown = await card(3, "☐ 1. Read the error log", "☐ 2. Tell the shops")
    await town.presses(EVE, channel, "Done", shown, "1 left")
    shown = await card(3, "☑ 1. Read the error log — *Eve*", "☐ 2. Tell the shops")
    await sb.click(BEN, channel, "Leave one out", ts=shown.ts)
    (view,) = await sb.wait_until(lambda: sb.views(BEN))
    said = await sb.submit(BEN, {"field.item": "2", "field.state": "skip"}, view_id=view.id)
    assert list(said.body["errors"].values()) == ["Leaving an item out needs a reason."]
    await sb.submit(BEN, {"field.item": "2", "field.state": "skip", "text": "no shop was hit"}, view_id=view.id)
    await card(3, "⊘ 2. Tell the shops — left out by *Ben*", "no shop was hit", "Nothing is left")

    async def over() -> bool:
        found = [
            run for run in await town.read(lambda tx: runs.of_incident(tx, "INC-1")) if run.playbook == "mine/asks"
        ]
        return found[0].state == "succeeded"

    await sb.wait_until(over, timeout=30)
    assert [e.body["why"] for e in await town.events("INC-1", "step.answer_refused")] == ["who", "who", "twice"]
    await sb.type(EVE, channel, "/playbook answer")
    (view,) = await sb.wait_until(lambda: sb.views(EVE))
    assert "INC-1 asks nothing now" in view.plain
    await town.proven()
