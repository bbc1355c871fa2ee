"""The doctor's look at anchors: whether there is a place outside the database, and whether each takes them.

Belongs here: this finding. Does not belong here: the other looks (doctor.py), anchoring (commands/timers/anchor.py).
"""

from __future__ import annotations

from bot.finding import Finding, ok
from playbooks.durations import words
from playbooks.policy import Policy
from storage import anchors
from storage.db import Tx

WHAT = "Anchors"


def places(tx: Tx, policy: Policy) -> list[Finding]:
    """One finding for each place, or one that there is none."""
    rules = policy.anchors
    if not rules.places:
        why = "the policy names no place outside: whoever can rewrite the whole database can do so unseen"
        return [Finding(WHAT, "missing", f"{why}. See `anchors` in muster.example.yaml.")]
    broken = anchors.broken(tx)
    found = []
    for place in rules.places:
        where = {"slack": rules.slack, "file": rules.file, "s3": rules.s3 and f"s3://{rules.s3.bucket}"}[place]
        if place in broken:
            found.append(Finding(WHAT, "warning", f"{where} did not take the last one: {broken[place]}"))
        else:
            found.append(ok(WHAT, f"{where}, every {words(rules.every)} where a timeline moved, and at approvals"))
    return found
