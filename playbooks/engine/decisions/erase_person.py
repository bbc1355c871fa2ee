"""Decision `erase-person`: name, e-mail and accounts of one person are erased; the opaque id stays in the chains.

Belongs here: asking an administrator and a second person, and doing it. Does not belong here: which rows say who it is
(storage/forgetting.py), the sealed rest (storage/escrow.py).
"""

from __future__ import annotations

from playbooks.engine.deciding import handler, propose
from playbooks.engine.held import House
from playbooks.engine.record_rules import administrator_and_one, now, seal_of
from playbooks.errors import Refused
from storage import forgetting, retention
from storage.db import Tx
from storage.decisions import Decision
from storage.timeline import ORG

KIND = "erase-person"
RULING = ("active", "proposed")


def ask(tx: Tx, house: House, *, person: str, asked_by: str, reason: str) -> Decision:
    """Ask for a person to be erased. Raises Refused for nobody, and while the policy names one of the accounts."""
    who = now(lambda: forgetting.look(tx, person))
    _unnamed(tx, who)
    called = next(
        (f"<@{id}>" for (kind, _), id in zip(who.accounts, who.ids, strict=True) if kind == "slack"), who.name
    )
    kept = "Who approved something stays sealed until retention ends. " if who.answerable else ""
    body = {
        "title": f"Erase the person {called} ({person})", "person": person, "reason": reason,
        "shown": f"Name, e-mail and {len(who.accounts)} accounts. {kept}Reason: {reason}. It cannot be undone.",
    }  # fmt: skip
    return propose(
        tx, house, kind=KIND, subject=person, body=body, stream=ORG, asked_by=asked_by,
        rule=administrator_and_one(house, person),
    )  # fmt: skip


def _unnamed(tx: Tx, who: forgetting.Who) -> None:
    if ruling := [state for state in forgetting.named_in_policy(tx, who) if state in RULING]:
        raise Refused(
            f"The {ruling[0]} policy still names an account of {who.person}: they would be known again at once. "
            "Nothing was erased.",
            todo="Take them out of `people` and `groups` in muster.yaml, have that approved, and ask again.",
        )


@handler(KIND)
def erase(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """Erase them. Who it was is told once, in this answer's count only: never by name."""
    person = str(decision.body["person"])
    who = now(lambda: forgetting.look(tx, person))
    _unnamed(tx, who)
    found = forgetting.mentions(tx, who)
    until = retention.after(tx.now, house.policy.retention.months)
    now(
        lambda: forgetting.erase(
            tx, person, seal=seal_of(house), until=until, asked_by=decision.asked_by or by[0], decision=decision.id,
            by=by, reason=str(decision.body["reason"]),
        )
    )  # fmt: skip
    return _told(person, who.answerable, until.strftime("%d %b %Y"), found)


def _told(person: str, answerable: bool, until: str, found: list[tuple[str, int]]) -> str:
    kept = f" Who it was stays sealed until {until}, since they asked for or approved something." if answerable else ""
    first = f"🕳️ The person {person} is erased: the timelines keep the id alone, and verify.{kept}"
    if not found:
        return first
    places = ", ".join(f"{stream} {seq}" for stream, seq in found[:10])
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    return f"{first}\nTyped words that may name them stand in events {places}{more}: `/incident redact` erases each."
