"""Which run and which step a person means, and letting a run go on: what the requests of people share.

Belongs here: finding, locking, refusing with words. Does not belong here: any verb (requests.py, answering.py).
"""

from __future__ import annotations

from playbooks.directory import Person
from playbooks.engine import moves
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import Refused
from storage import runs
from storage.db import Tx
from storage.runs import Run, Step


def running(tx: Tx, run: str, *, but: str = "") -> Run:
    """The run, locked. but: an ended state that will do all the same. Raises Refused."""
    try:
        found = lock(tx, run)
    except LookupError:
        raise Refused(
            f"There is no run **{run}**.", todo="`/playbook status` lists the runs of this incident."
        ) from None
    if found.state in moves.RUN_ENDED and found.state != but:
        raise Refused(f"{run} ({found.playbook}) has ended: {found.state}.",
                      todo=f"`/playbook status {run}` shows what it did; `/playbook run {found.playbook}` asks for it "
                      "anew.")  # fmt: skip
    return found


def chosen(tx: Tx, run: Run, step: str | None, states: tuple[str, ...]) -> Step:
    """The step a person means: named by number or id, else the first one in these states, in the order given."""
    steps = runs.steps_of(tx, run.id)
    if step is not None:
        named = next((s for s in steps if str(s.idx) == step or s.id == step), None)
        if named is None:
            raise Refused(f"{run.id} has no step **{step}**; it has {', '.join(s.id for s in steps)}.",
                          todo=f"`/playbook status {run.id}` shows them.")  # fmt: skip
        if named.state not in states:
            raise Refused(f"Step {named.idx} {named.uses} is {named.state}; that cannot be done to it now.",
                          todo=f"`/playbook status {run.id}` shows where it stands.")  # fmt: skip
        return named
    for state in states:
        found = next((s for s in steps if s.state == state), None)
        if found is not None:
            return found
    raise Refused(f"No step of {run.id} is {' or '.join(states)}.", todo="`/playbook status` shows where it stands.")


def go_on(tx: Tx, run: Run, changes: Changes, actor: Person) -> None:
    """Write these changes and let the run go on, also one that stood still."""
    if run.state in ("paused", "incomplete"):
        changes.run |= {"state": "running", "reason": None, "ended_at": None}
        changes.event("run.resumed", actor.person or "", run=run.id)
    changes.run |= {"ready_at": tx.now, "stop_asked": None}
    transition(tx, run, changes)
