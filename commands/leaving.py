"""What an incident's runs changed and left: in words with buttons, and letting all of it stay.

Belongs here: what `/incident leftovers`, `/incident resolve` and `/incident cancel` share. Does not belong here: what
is left over, undoing and accepting one step (playbooks/engine/leftovers.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from commands.command import Button, Call
from commands.words import clock, cut, esc, joined
from playbooks.action import find
from playbooks.engine import leftovers
from playbooks.engine.moves import RUN_ENDED
from playbooks.errors import Refused
from storage import runs
from storage.incidents import Incident
from storage.runs import Step

PAGE = 8  # each with two buttons, within what a message may hold
NAMED = 10


def left(call: Call, incident: Incident) -> list[Step]:
    """What its runs left, oldest first."""
    return leftovers.of_incident(call.tx, incident.id, call.house.policy)


def listed(call: Call, steps: Sequence[Step], first: int = 1) -> list[str]:
    """`1. INC-1/2 step 1 aws.iam_deactivate_key since 14:05 UTC: Deactivate the access key …`, a page of them."""
    lines = []
    for number, step in enumerate(steps[:PAGE], first):
        since = f" since {clock(step.done_at, call.tx.now)} UTC" if step.done_at else ""
        what = esc(cut(" ".join(leftovers.changed(step).split()), 200))
        lines.append(f"{number}. *{step.run}* step {step.idx} `{step.uses}`{since}: {what}{_way(call, step)}")
    if len(steps) > PAGE:
        lines.append(f"… and {len(steps) - PAGE} more: `/incident leftovers after={first + PAGE - 1}` shows them.")
    return lines


def buttons(call: Call, steps: Sequence[Step], first: int = 1) -> list[Button]:
    """Undo and Accept for each of a page; both ask for the reason."""
    found = []
    for number, step in enumerate(steps[:PAGE], first):
        about = f"{step.run} step={step.idx}"
        if _can_undo(step) and not _under_way(call, step):
            found.append(Button(label=f"Undo {number}", line=f"playbook undo {about}", asks="reason"))
        found.append(Button(label=f"Accept {number}", line=f"playbook accept {about}", asks="reason"))
    return found


def accept_all(call: Call, steps: Sequence[Step], reason: str) -> None:
    """Let all of it stay, in the asker's name. Raises Refused for who may not run playbooks, or without a reason."""
    groups = call.house.policy.permissions.run
    if "everyone" not in groups and not call.actor.groups & set(groups):
        named = joined([f"`@{group}`" for group in groups], "or") or "nobody (policy `permissions.run`)"
        raise Refused(
            f"What is left over may be let stay by {named}. Nothing was accepted, and {call.here.id} is as it was.",
            todo="Ask one of them, or take the changes back.",
        )
    for step in sorted(steps, key=lambda one: (one.run, one.idx)):
        leftovers.accept(call.tx, call.house.policy, run=step.run, actor=call.actor, reason=reason, step=str(step.idx))


def stays(call: Call, incident: Incident) -> str:
    """`Left behind: INC-1/2 step 1 (accepted by Ben)`; "" where nothing was."""
    steps = [step for run in runs.of_incident(call.tx, incident.id) for step in runs.steps_of(call.tx, run.id)]
    kept = [step for step in steps if step.accepted_by]
    if not kept:
        return ""
    name = call.house.directory.name
    said = [f"{one.run} step {one.idx} `{one.uses}` (accepted by {esc(name(call.tx, one.accepted_by or ''))})"
            for one in kept[:NAMED]]  # fmt: skip
    more = f" and {len(kept) - NAMED} more" if len(kept) > NAMED else ""
    return f"Left behind: {', '.join(said)}{more}."


def _can_undo(step: Step) -> bool:
    action = find(step.uses)
    return action is not None and action.can_undo()


def _under_way(call: Call, step: Step) -> str:
    """The run that is taking it back now, or ""."""
    by = runs.get(call.tx, step.undone_by) if step.undone_by else None
    return by.id if by is not None and by.state not in RUN_ENDED else ""


def _way(call: Call, step: Step) -> str:
    if by := _under_way(call, step):
        return f" ({by} is taking it back)"
    return "" if _can_undo(step) else " (`/playbook list failback` brings it home)"
