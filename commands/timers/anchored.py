"""What became of a run that carried heads outside: rows and an entry for what was taken, once a word for what was not.

Belongs here: that look when the run has ended. Does not belong here: which heads and when (anchor.py).
"""

from __future__ import annotations

from datetime import timedelta

from commands.house import House
from playbooks.engine.moves import RUN_ENDED
from storage import anchors, runs, timers
from storage.audit.verify import read_anchor
from storage.db import Tx
from storage.inbox import Ask
from storage.runs import Run, Step
from storage.timeline import Head

AGAIN = timedelta(minutes=1)
WANTED = {"slack": "channel", "file": "file", "s3": "bucket"}


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the run. The engine pulls the timer forward when the run ends."""
    run = runs.get(tx, subject)
    if run is None:
        return
    if run.state not in RUN_ENDED:
        timers.set(tx, "anchored", subject, tx.now + AGAIN)
        return
    steps = {step.id: step for step in runs.steps_of(tx, subject) if step.id in WANTED}
    asked = {place: step for place, step in steps.items() if run.inputs.get(WANTED[place])}
    took = {place: _ref(step) for place, step in asked.items() if step.state == "succeeded"}
    failed = {place: _why(step) for place, step in asked.items() if place not in took}
    anchors.told(tx, run.id, failed, took)
    if took:
        anchors.keep(tx, heads_of(run), took, run.id)


def heads_of(run: Run) -> list[Head]:
    """The heads a run carried."""
    found = [read_anchor(str(head)) for head in run.inputs["heads"]]
    return [Head(stream, seq, digest) for one in found for (stream, seq), digest in one.items()]


def _ref(step: Step) -> str:
    return str((step.outputs or {}).get("ref") or "")


def _why(step: Step) -> str:
    return step.error or step.note or f"it {step.state}"
