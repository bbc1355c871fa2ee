"""Decision `reset-factor`: somebody lost the phone with their codes; an administrator and one other person say so.

Belongs here: asking for it and doing it. Does not belong here: codes (playbooks/step_up.py). Whose factor it is is
never one of the two: a stolen account must not be able to bring a phone of its own.
"""

from __future__ import annotations

from playbooks.engine.deciding import DecisionRule, handler, propose
from playbooks.engine.held import House
from playbooks.errors import Refused
from storage import factors, people
from storage.db import Tx
from storage.decisions import Decision
from storage.timeline import ORG
from storage.types import iso

KIND = "reset-factor"
OPEN_FOR_S = 4 * 3600.0


def ask(tx: Tx, house: House, *, person: str, asked_by: str) -> Decision:
    """Ask for somebody's codes to be forgotten. Raises Refused where there are none."""
    found = factors.get(tx, person)
    name = people.name(tx, person)
    if found is None or found.state != factors.ACTIVE or found.confirmed_at is None:
        raise Refused(f"{name} has no one-time codes set up, so there is nothing to reset.", todo="`/playbook mfa`")
    body = {
        "person": person, "confirmed_at": iso(found.confirmed_at),
        "title": f"Forget the one-time codes of {name}, who lost the phone",
        "shown": f"• Set up {found.confirmed_at:%d %b %Y %H:%M} UTC.\n"
        f"• Afterwards {name} sets up new ones with `/playbook mfa`. Ask {name} by voice before you confirm.",
    }  # fmt: skip
    rule = DecisionRule(people=2, asker_counts=asked_by != person, admin=True, barred=(person,), expires_s=OPEN_FOR_S)
    return propose(tx, house, kind=KIND, subject=person, body=body, stream=ORG, asked_by=asked_by, rule=rule)


@handler(KIND)
def reset(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """The secret is gone. One that was set up anew meanwhile is another one and stays."""
    person = str(decision.body["person"])
    found = factors.get(tx, person, lock=True)
    if found is None or found.confirmed_at is None or iso(found.confirmed_at) != decision.body["confirmed_at"]:
        raise Refused("These codes are gone already.")
    if not factors.revoke(tx, person, by[-1], decision=decision.id):
        raise Refused("These codes are gone already.")
    return f"✅ The codes of {people.name(tx, person)} are forgotten. They set up new ones with `/playbook mfa`."
