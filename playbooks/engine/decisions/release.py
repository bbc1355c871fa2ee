"""Decision `release`: a hold ends, and retention counts again.

Belongs here: asking two people, and doing it. Does not belong here: the hold itself (hold.py).
"""

from __future__ import annotations

from playbooks.engine.deciding import handler, propose
from playbooks.engine.held import House
from playbooks.engine.record_rules import now, two_people
from playbooks.errors import Refused
from storage import holds
from storage.db import Tx
from storage.decisions import Decision

KIND = "release"


def ask(tx: Tx, house: House, *, stream: str, asked_by: str, reason: str) -> Decision:
    """Ask for the hold to end. Raises Refused when nothing is held."""
    found = holds.held(tx, stream)
    if found is None:
        raise Refused(f"{stream} is not held; nothing was changed.",
                         todo=f"`/incident hold incident={stream} <why>` asks for a hold.")  # fmt: skip
    body = {
        "title": f"Release the timeline of {stream}", "stream": stream, "reason": reason, "placed_by": found.decision,
        "shown": f"Held since {found.since:%d %b %Y}: {found.reason}. Then retention counts again. Reason: {reason}.",
    }  # fmt: skip
    return propose(
        tx, house, kind=KIND, subject=stream, body=body, stream=stream, asked_by=asked_by, rule=two_people(house)
    )


@handler(KIND)
def release(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Let it go."""
    said, asked_by = decision.body, decision.asked_by or by[0]
    now(
        lambda: holds.release(tx, said["stream"], asked_by=asked_by, decision=decision.id, reason=said["reason"], by=by)
    )
    return f"*{said['stream']}* is no longer held: `muster prune` takes it out when its retention has ended."
