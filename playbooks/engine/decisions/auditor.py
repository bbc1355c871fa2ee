"""Decision `auditor`: a terminal may verify and export the record for some days, and nothing else.

Belongs here: asking an administrator and a second person, and letting it in. Does not belong here: the terminal itself
(storage/auditors.py, bot/auditing.py).
"""

from __future__ import annotations

from dataclasses import replace

from playbooks.engine.deciding import handler, propose
from playbooks.engine.held import House
from playbooks.engine.record_rules import administrator_and_one, now
from playbooks.errors import Refused
from storage import auditors, people
from storage.credentials import PAIRING, read_pairing
from storage.db import Tx
from storage.decisions import Decision
from storage.timeline import ORG

KIND = "auditor"
MOST_DAYS = 90


def ask(tx: Tx, house: House, *, person: str, pairing: str, days: int, asked_by: str, reason: str) -> Decision:
    """Ask for an auditor's terminal to be let in. Raises Refused for a code or a number of days that cannot be."""
    code = read_pairing(pairing)
    if code is None:
        raise Refused("That is no code of `muster login`.", todo="It looks like ABCD-EFGK; look again.")
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"An auditor's access lasts 1 to {MOST_DAYS} days, not {days}. Nothing was asked for.")
    body = {
        "title": f"Let {people.name(tx, person)} ({person}) verify and export the record for {days} days",
        "person": person, "pairing": code, "days": days, "reason": reason,
        "shown": f"From the terminal that shows {code}; read only, each use is an event. Reason: {reason}.",
    }  # fmt: skip
    rule = replace(administrator_and_one(house, person), expires_s=PAIRING.total_seconds())
    return propose(tx, house, kind=KIND, subject=person, body=body, stream=ORG, asked_by=asked_by, rule=rule)


@handler(KIND)
def let_in(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Let it in."""
    said = decision.body
    now(
        lambda: auditors.let_in(
            tx, said["person"], said["pairing"], said["days"], asked_by=decision.asked_by or by[0],
            decision=decision.id, by=by, reason=said["reason"],
        )
    )  # fmt: skip
    return f"🔎 The terminal that shows {said['pairing']} may verify and export for {said['days']} days, nothing else."
