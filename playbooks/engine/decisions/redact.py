"""Decision `redact`: the words of one event are erased, for good, with every copy beside the chain.

Belongs here: asking two people, and doing it. Does not belong here: which places hold copies (storage/copies.py).
"""

from __future__ import annotations

from playbooks.engine.deciding import handler, propose
from playbooks.engine.held import House
from playbooks.engine.record_rules import now, two_people
from storage import erasing
from storage.db import Tx
from storage.decisions import Decision

KIND = "redact"


def ask(tx: Tx, house: House, *, stream: str, seq: int, asked_by: str, reason: str) -> Decision:
    """Ask for an event's words to be erased. Raises Refused when it has none."""
    kind, found = now(lambda: erasing.redactable(tx, stream, seq))
    body = {
        "title": f"Erase the words of event {seq} of {stream}", "stream": stream, "seq": seq, "reason": reason,
        "shown": f"{kind}: {', '.join(sorted(found))}. Reason: {reason}. It cannot be undone.",
    }  # fmt: skip
    return propose(
        tx, house, kind=KIND, subject=f"{stream}#{seq}", body=body, stream=stream, asked_by=asked_by,
        rule=two_people(house),
    )  # fmt: skip


@handler(KIND)
def redact(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Erase them."""
    said = decision.body
    done = now(
        lambda: erasing.redact(
            tx, said["stream"], said["seq"], asked_by=decision.asked_by or by[0], decision=decision.id, by=by,
            reason=said["reason"],
        )
    )  # fmt: skip
    also = f", and the same words in event {', '.join(map(str, done.also))}" if done.also else ""
    return (
        f"🕳️ The words of event {done.seq} of *{done.stream}* are erased{also}; {done.copies} copies beside the "
        "timeline too. The chain stays valid: `muster verify` says *erased*.\nWhat was sent elsewhere (messages in "
        "Slack, pages, mails, exported files) is not Muster's to erase: take it down there."
    )
