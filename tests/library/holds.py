"""What must hold of every playbook: planned without an effect, run to its end, approved before it destroys, all on record.

Belongs here: what is asserted of a play. Does not belong here: playing (stage.py), failing (failing.py).
"""

from __future__ import annotations

from playbooks.action import Risk
from storage import runs, timeline, verify
from storage.db import Tx
from storage.timeline import Event
from tests.library.stage import Stage

FINE = ("ok", "held", "later", "skipped")


def effects(stage: Stage) -> int:
    """How many requests changed something so far."""
    return sum(call.effect for call in stage.sandbox.wire.calls)


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


async def recorded(stage: Stage, run: str) -> None:
    """Every timeline verifies, and what is guarded began only after people had agreed to that very step."""

    def read(tx: Tx) -> tuple[list[Event], list[verify.Verdict]]:
        found = runs.get(tx, run)
        assert found is not None
        return timeline.read(tx, found.stream), verify.check_database(tx)

    events, verdicts = await stage.db.read(read)
    guarded = {step.idx for step in await stage.steps(run) if Risk(step.risk).guarded}
    for verdict in verdicts:
        assert verdict.ok, verdict.bad
    granted: set[tuple[str, int]] = set()
    for event in events:
        body = event.body
        if event.type == "approval.granted" and body["run"] == run:
            granted |= {(body["approval"], step) for step in body["steps"]}
        if event.type == "step.started" and body["run"] == run and body["step"] in guarded:
            assert (body.get("approval"), body["step"]) in granted, f"{body['uses']} began without approval"
