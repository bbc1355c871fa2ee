"""What must hold of every playbook: planned without an effect, run to its end, approved before it destroys, all on record.

Belongs here: what is asserted of a play. Does not belong here: playing (stage.py), failing (failing.py).
"""

from __future__ import annotations

import html
from types import SimpleNamespace
from typing import Any

from bot.render import run as run_card
from bot.sandbox.slack.text import flattened
from commands.timers import settle
from playbooks.action import Risk
from storage import incidents, runs, timeline, verify
from storage.db import Tx
from storage.timeline import Event
from tests.library.outside import changed
from tests.library.stage import Stage

FAULT = "a fault in Muster"  # how the engine ends an error that is none of ours
MUCH = 25  # characters: less says nothing
FINE = ("ok", "held", "later", "skipped")


def effects(stage: Stage) -> int:
    """How many requests changed something so far."""
    return sum(changed(call) for call in stage.sandbox.wire.calls)


async def plans(stage: Stage, name: str) -> None:
    """The dry run says what every step would do, and changes nothing."""
    before = effects(stage)
    dry = await stage.plan(name)
    refused = {step.id: step.error for step in dry.steps if step.state not in FINE}
    assert sorted(refused) == sorted(stage.entry.not_planned), f"the dry run refuses {refused}"
    assert all(step.effect for step in dry.steps if step.state in ("ok", "held", "later")), "each says what it would do"
    assert effects(stage) == before, "a dry run changed the outside"


async def plays(stage: Stage, name: str) -> runs.Run:
    """It runs to its end, all its steps but those that policy leaves out."""
    run = await stage.play(name)
    steps = await stage.steps(run.id)
    told = [f"{step.idx} {step.id} {step.state}: {step.error or step.note}" for step in steps]
    assert run.state == "succeeded", f"{run.state} ({run.reason}): {told}"
    assert sorted(step.id for step in steps if step.state == "skipped") == sorted(stage.entry.skipped), told
    await recorded(stage, run.id)
    if stage.entry.check is not None:
        await stage.entry.check(stage)
    return run


async def untold(stage: Stage, run: runs.Run, steps: list[runs.Step]) -> list[str]:
    """What whoever asked is not told of a run that did not succeed: what happened, and what to do next."""
    house: Any = SimpleNamespace(policy=stage.policy)

    def read(tx: Tx) -> tuple[Any, Any]:
        incident = incidents.get(tx, run.incident) if run.incident else None
        card = run_card.read(tx, run.id, stage.policy, "http://muster")
        assert card is not None
        return settle.words(tx, house, run, incident), run_card.draw(*card)

    reply, card = await stage.db.read(read)
    shown = flattened("", list(card.blocks))
    missing = []
    for step in steps:
        if step.state in ("failed", "uncertain"):
            missing += [f"step {step.idx} has no words"] if len(step.error or "") < MUCH else []
            missing += [f"step {step.idx} blames Muster: {step.error}"] if FAULT in str(step.error) else []
            missing += [f"the card leaves out {step.error}"] if str(step.error)[:60] not in html.unescape(shown) else []
            again = f"/playbook retry {run.id}"
            first = not any(one.state == "asking" for one in steps)  # what is asked comes first
            missing += [f"the answer does not say {again}: {reply.text}"] if first and again not in reply.text else []
        if step.state == "asking":
            question = step.question or {}
            missing += [] if question.get("choices") and question.get("text") else [f"step {step.idx} asks nothing"]
            missing += ["the card does not say that an outcome is unknown"] if "unknown" not in shown else []
    return missing


async def recorded(stage: Stage, run: str) -> None:
    """Every timeline verifies, nothing came as a surprise, and what is guarded began only after people had agreed to
    that very step."""

    def read(tx: Tx) -> tuple[list[Event], list[verify.Verdict]]:
        found = runs.get(tx, run)
        assert found is not None
        return timeline.read(tx, found.stream), verify.check_database(tx)

    events, verdicts = await stage.db.read(read)
    guarded = {step.idx for step in await stage.steps(run) if Risk(step.risk).guarded}
    for verdict in verdicts:
        assert verdict.ok, verdict.bad
    for event in events:
        assert FAULT not in event.text("error"), event.text("error")
    granted: set[tuple[str, int]] = set()
    for event in events:
        body = event.body
        if event.type == "approval.granted" and body["run"] == run:
            granted |= {(body["approval"], step) for step in body["steps"]}
        if event.type == "step.started" and body["run"] == run and body["step"] in guarded:
            assert (body.get("approval"), body["step"]) in granted, f"{body['uses']} began without approval"
