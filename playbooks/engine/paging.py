"""Calling the people who may approve: a run of `comms/page-approvers`, since a page is an effect like any other.

Belongs here: whom to call and with which words. Does not belong here: sending (actions), who may approve
(approvals.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from playbooks.engine.approvals import Candidates
from playbooks.engine.held import House
from playbooks.engine.quorum import slack_id
from playbooks.engine.starting import write_run
from playbooks.errors import Refused
from storage import people
from storage.db import Tx
from storage.runs import Approval, Run

PLAYBOOK = "comms/page-approvers"
ANSWERED = "comms/approvers-answered"


def page_approvers(
    tx: Tx, house: House, run: Run, asked: Mapping[str, Any], able: Candidates, *, but: Collection[str] = ()
) -> list[str]:
    """Start calling who is missing: those on call are paged, everybody eligible gets a message. Returns the persons.

    but: people who need no call (they voted already). Same approval, same people: paged once, by key.
    """
    who = [voter for voter in able.eligible if voter.person not in but]
    loud = [voter for voter in (able.on_call or able.eligible) if voter.person not in but]
    if not who:
        return []
    try:
        playbook = house.find_playbook(PLAYBOOK)
    except Refused:
        return []
    emails = [mail for voter in loud if (mail := _email(tx, voter.person))]
    users = [slack for voter in who if (slack := slack_id(tx, voter.person))]
    effect = asked["plan"]["effect"]
    text = (
        f"Approval needed for {run.incident or run.id}: {effect}. Asked by {people.name(tx, run.requester)}, "
        f"expires {asked['expires_at']:%H:%M} UTC. Answer on the card, or `/playbook approve {run.id}`. {house.url}"
    )
    inputs = {"emails": emails, "users": users, "text": text, "key": _key(asked["id"])}
    write_run(
        tx, house, playbook=playbook, inputs=inputs, incident=run.incident, requester=run.requester, shown=False,
        kind=run.kind,
    )  # fmt: skip
    return [voter.person for voter in who]


def answered(tx: Tx, house: House, run: Run, asked: Approval) -> str | None:
    """End the calls of an approval that is not open any more; returns the run, None when there is none to end."""
    emails = [mail for person in asked.paged if (mail := _email(tx, person))]
    if asked.state == "open" or not emails:
        return None
    try:
        playbook = house.find_playbook(ANSWERED)
    except Refused:
        return None
    inputs = {"emails": emails, "key": _key(asked.id)}
    return write_run(
        tx, house, playbook=playbook, inputs=inputs, incident=run.incident, requester=run.requester, shown=False,
        kind=run.kind,
    )  # fmt: skip


def _key(approval: str) -> str:
    return f"muster/{approval}"


def _email(tx: Tx, person: str) -> str | None:
    return next((account.email for account in people.accounts_of(tx, person, "slack") if account.email), None)
