"""Decision `hold`: a timeline is kept beyond its retention, until two people let it go.

Belongs here: asking two people, and doing it. Does not belong here: pruning, which a hold
forbids (storage/retention.py).
"""

from __future__ import annotations

from playbooks.engine.deciding import handler, propose
from playbooks.engine.held import House
from playbooks.engine.record_rules import now, two_people
from playbooks.errors import Refused
from storage import holds, retention
from storage.db import Tx
from storage.decisions import Decision

KIND = "hold"


def ask(tx: Tx, house: House, *, stream: str, asked_by: str, reason: str) -> Decision:
    """Ask for a hold. Raises Refused when it is held or gone already."""
    if found := holds.held(tx, stream):
        raise Refused(f"{stream} has been held since {found.since:%d %b %Y} ({found.decision}); nothing was changed.",
                         todo=f"`/incident release incident={stream} <why>` asks for its end.")  # fmt: skip
    if retention.of(tx, stream):
        raise Refused(f"{stream} was pruned: there is nothing left to hold.")
    body = {
        "title": f"Hold the timeline of {stream}", "stream": stream, "reason": reason,
        "shown": f"It is not pruned until two people release it. Reason: {reason}.",
    }  # fmt: skip
    return propose(
        tx, house, kind=KIND, subject=stream, body=body, stream=stream, asked_by=asked_by, rule=two_people(house)
    )


@handler(KIND)
def hold(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Hold it."""
    said, asked_by = decision.body, decision.asked_by or by[0]
    now(lambda: holds.place(tx, said["stream"], asked_by=asked_by, decision=decision.id, reason=said["reason"], by=by))
    return f"📌 *{said['stream']}* is held: nothing of it is pruned until two people release it (`/incident release`)."
