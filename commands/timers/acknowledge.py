"""Nobody has acknowledged the page in time: an entry, the second layer's phones, and the number to call by hand.

Belongs here: what happens when that clock runs out, and runs out again. Does not belong here: calling people
(comms/escalate). In a drill it is only written down.
"""

from __future__ import annotations

from commands.by_hand import call_by_hand
from commands.house import House
from commands.nudging import holder, nudge
from commands.words import clock, lasted, safe
from playbooks.engine.load import typed_inputs
from playbooks.engine.requests import start_run
from playbooks.errors import Refused
from storage import incidents, timers
from storage.db import Tx, savepoint
from storage.inbox import Ask
from storage.incidents import Incident

PLAYBOOK = "comms/escalate"
TIMES = 3  # how often people are told; the second layer is called once, as soon as there is a page to hand on


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the incident. The ask's values `rung`: how often this clock ran out before; `called`: whether the second
    layer was called then."""
    found = incidents.get(tx, subject, lock=True)
    if found is None or not found.open or found.acknowledged_at is not None:
        return
    rung = int(ask.values.get("rung") or 0)
    incidents.overdue(tx, subject, "acknowledge", tx.now)
    if found.kind == "drill":
        return
    before = bool(ask.values.get("called", rung > 0))
    done, called = ("The next layer was called before.", True) if before else _second_layer(tx, house, found)
    waited = lasted(tx.now - found.declared_at)
    text = (
        f"⏰ *{subject}*: nobody has acknowledged the page of {clock(found.declared_at, tx.now)} UTC ({waited} ago). "
        f"{done} {call_by_hand(house.policy, found.service)} Whoever has it: `/incident ack {subject}`."
    )
    nudge(tx, found, "acknowledge", text, to=holder(tx, house.policy, found, "commander"), snooze="")
    severity = house.policy.severities.get(found.severity)
    if rung + 1 < TIMES and severity is not None and severity.acknowledge_within:
        timers.set(
            tx, "acknowledge", subject, tx.now + severity.acknowledge_within, {"rung": rung + 1, "called": called}
        )


def _second_layer(tx: Tx, house: House, found: Incident) -> tuple[str, bool]:
    """Start the run that calls the next layer; what was done, in words, and whether it was started."""
    if not found.facts.get("page_key"):
        return "There is no page yet that the next layer could be given.", False
    try:
        with savepoint(tx):
            playbook = house.library.find(PLAYBOOK)
            start_run(
                tx, house.engine, playbook=playbook, inputs=typed_inputs(playbook, {}, house.policy, tx.now),
                incident=found.id, requester="muster", shown=False, service=found.service, site=found.site,
            )  # fmt: skip
    except Refused as error:
        return f"*The next layer was not called*: {safe(str(error))}", False
    return "I am calling the next layer.", True
