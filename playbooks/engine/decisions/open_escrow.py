"""Decision `open-escrow`: who an erased person was may be read, once.

Belongs here: asking an administrator and a second person, and opening. Does not belong here: reading it, which is done
on a terminal that holds MUSTER_KEY, never in Slack (`muster escrow`).
"""

from __future__ import annotations

from playbooks.engine.deciding import handler, propose
from playbooks.engine.held import House
from playbooks.engine.record_rules import administrator_and_one, now
from storage import escrow
from storage.db import Tx
from storage.decisions import Decision
from storage.timeline import ORG

KIND = "open-escrow"


def ask(tx: Tx, house: House, *, person: str, asked_by: str, reason: str) -> Decision:
    """Ask for the escrow of an erased person to be opened. Raises Refused when nothing is kept."""
    kept = now(lambda: escrow.known(tx, person))
    body = {
        "title": f"Open the escrow of {person}", "person": person, "reason": reason,
        "shown": f"Erased on {kept.erased_at:%d %b %Y}. It can be read once. Reason: {reason}.",
    }  # fmt: skip
    return propose(
        tx, house, kind=KIND, subject=person, body=body, stream=ORG, asked_by=asked_by,
        rule=administrator_and_one(house),
    )  # fmt: skip


@handler(KIND)
def open_escrow(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Open it."""
    person, asked_by = str(decision.body["person"]), decision.asked_by or by[0]
    reason = str(decision.body["reason"])
    now(lambda: escrow.opened(tx, person, asked_by=asked_by, decision=decision.id, by=by, reason=reason))
    return f"🔓 The escrow of {person} is open for one reading: `muster escrow {person}`, where `MUSTER_KEY` is set."
