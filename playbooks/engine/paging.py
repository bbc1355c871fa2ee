"""Calling people who may approve or are asked: a run of `comms/page-approvers` or `comms/ask-again`, since a page is an
effect like any other.

Who is missing is called at once; then, rung by rung, the groups of `approvals.next_group`, and last everybody who may
approve. The rungs are the timer `approvers`, a row, so that they survive restarts; it ends when there is nothing to
decide any more. Belongs here: whom to call when, with which words. Does not belong here: sending (actions), who may
approve (approvals.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from playbooks.engine.approvals import Candidates, expired
from playbooks.engine.held import House
from playbooks.engine.quorum import candidates, on_call_policy, rule_of, slack_id
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import Refused
from playbooks.policy import ApprovalRule
from storage import people, runs, timers
from storage.db import Tx
from storage.people import Voter
from storage.runs import Approval, Run, Step

TIMER = "approvers"
TELL, TELL_AFTER = "settle", timedelta(seconds=1)  # the timer that says what failed (commands/timers/settle.py)
PLAYBOOK = "comms/page-approvers"
ANSWERED = "comms/approvers-answered"
QUESTION = "comms/ask-again"


def first_call(
    tx: Tx, house: House, run: Run, asked: Mapping[str, Any], rule: ApprovalRule, able: Candidates
) -> list[str]:
    """Call who may approve when it is asked, and wind the clock of the next rung. Returns the persons called.

    A quorum that cannot be reached winds it to now: whoever asked is told at once (rung 0).
    """
    if not able.reachable:
        timers.set(tx, TIMER, asked["id"], tx.now, {"rung": 0})
    else:
        wind(tx, rule, asked["id"], asked["opened_at"], asked["expires_at"], 1)
    if not rule.page_missing:
        return []
    return page_approvers(tx, house, run, asked, _first(rule, able))


def call_again(tx: Tx, house: House, run: Run, asked: Approval, but: Collection[str]) -> list[str]:
    """An approval is open again (a recount dropped somebody, or one was withdrawn): who is missing is called at once,
    and the rungs begin anew. Returns everybody called for it so far."""
    rule = rule_of(asked)
    wind(tx, rule, asked.id, tx.now, asked.expires_at, 1)
    if not rule.page_missing:
        return asked.paged
    able = candidates(tx, rule, asked.barred, on_call_policy(house.policy, run))
    called = page_approvers(tx, house, run, asked.__dict__, able, but=but)
    return list(dict.fromkeys([*asked.paged, *called]))


def next_call(tx: Tx, house: House, approval: str, rung: int) -> None:
    """The clock of a rung (from 1) ran out and the approval is still open: call the next group, or at last all."""
    known = runs.approval(tx, approval)
    if known is None:
        return
    run = lock(tx, known.run)
    asked = runs.approval(tx, approval)
    assert asked is not None
    rule = rule_of(asked)
    if asked.state != "open" or expired(tx.now, asked.expires_at) or not rule.page_missing:
        return
    group = rule.next_groups[rung - 1] if rung <= len(rule.next_groups) else None
    answered_yes = {vote.person for vote in runs.votes_on(tx, asked.id) if vote.choice == "approve"}
    able = candidates(tx, rule, asked.barred, on_call_policy(house.policy, run))
    who = tuple(one for one in able.eligible if (group is None or _in(one, group)) and one.person not in answered_yes)
    changes = Changes()
    changes.event(
        "approval.escalated", approval=asked.id, run=run.id, step=asked.idx, rung=rung, group=group,
        called=[one.person for one in who],
    )  # fmt: skip
    changes.approvals[asked.id] = {"paged": list(dict.fromkeys([*asked.paged, *(one.person for one in who)]))}
    if group is not None:
        wind(tx, rule, asked.id, tx.now, asked.expires_at, rung + 1)
    transition(tx, run, changes)
    page_approvers(tx, house, run, asked.__dict__, Candidates(who, (), able.reachable))


def wind(tx: Tx, rule: ApprovalRule, approval: str, since: datetime, expires_at: datetime, rung: int) -> None:
    """Set the clock of a rung; nothing is called at or after the expiry."""
    at = since + timedelta(seconds=rung_s(rule))
    if rule.page_missing and at < expires_at:
        timers.set(tx, TIMER, approval, at, {"rung": rung})
    else:
        timers.cancel(tx, TIMER, approval)


def rung_s(rule: ApprovalRule) -> float:
    """Seconds from one rung to the next: as policy says, at most a third of the service's RTO (both are in the rule)
    and of the time there is to answer."""
    third = rule.expires_s / 3
    return third if rule.next_group_after_s is None else min(rule.next_group_after_s, third)


def _first(rule: ApprovalRule, able: Candidates) -> Candidates:
    """Who is called at once: not those who are only of the next groups, as long as the quorum can do without them."""
    later = set(rule.next_groups)
    if not later or not able.reachable:
        return able
    early = tuple(one for one in able.eligible if any(_in(one, group) for group in rule.from_ if group not in later))
    if len(early) < rule.people:
        return able
    persons = {one.person for one in early}
    return Candidates(early, tuple(one for one in able.on_call if one.person in persons), True)


def _in(voter: Voter, group: str) -> bool:
    return group == people.EVERYONE or any(one.group == group and one.for_voting for one in voter.memberships)


def page_approvers(
    tx: Tx, house: House, run: Run, asked: Mapping[str, Any], able: Candidates, *, but: Collection[str] = ()
) -> list[str]:
    """Start calling who is missing: those on call are paged, everybody eligible gets a message. Returns the persons.
    Whoever asked for the run hears when somebody could not be called.

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
    calls = write_run(
        tx, house, playbook=playbook, inputs=inputs, incident=run.incident, requester=run.requester, ask=run.ask,
        shown=False, kind=run.kind,
    )  # fmt: skip
    _tell(tx, run, calls)
    return [voter.person for voter in who]


def answered(tx: Tx, house: House, run: Run, asked: Approval) -> str | None:
    """End the calls of an approval that is not open any more; returns the run, None when there is none to end."""
    return None if asked.state == "open" else end_calls(tx, house, run, asked.paged, _key(asked.id))


def end_calls(tx: Tx, house: House, run: Run, called: Collection[str], key: str) -> str | None:
    """End the pages that called these persons under this key; returns the run, None when there is none to end."""
    emails = [mail for person in called if (mail := _email(tx, person))]
    if not emails:
        return None
    try:
        playbook = house.find_playbook(ANSWERED)
    except Refused:
        return None
    inputs = {"emails": emails, "key": key}
    calls = write_run(
        tx, house, playbook=playbook, inputs=inputs, incident=run.incident, requester=run.requester, ask=run.ask,
        shown=False, kind=run.kind,
    )  # fmt: skip
    _tell(tx, run, calls)
    return calls


def _tell(tx: Tx, run: Run, calls: str) -> None:
    """Have whoever asked for the run told what of these calls failed."""
    if run.ask:
        timers.set(tx, TELL, calls, tx.now + TELL_AFTER, {"quiet": True})


def ask_again(tx: Tx, house: House, run: Run, persons: Collection[str], *, text: str, key: str, page: bool) -> None:
    """Write to these people about a question that waits for them, and page them too where `page` says so."""
    emails = [mail for person in persons if (mail := _email(tx, person))] if page else []
    users = [slack for person in persons if (slack := slack_id(tx, person))]
    try:
        playbook = house.find_playbook(QUESTION)
    except Refused:
        return
    if emails or users:
        write_run(
            tx, house, playbook=playbook, inputs={"emails": emails, "users": users, "text": text, "key": key},
            incident=run.incident, requester=run.requester, shown=False, kind=run.kind,
        )  # fmt: skip


def calls_key(step: Step) -> str:
    """Names the calls about one question: nobody is paged twice for it, and they end together."""
    return f"muster/{step.run}#{step.idx}/{step.attempt}"


def _key(approval: str) -> str:
    return f"muster/{approval}"


def _email(tx: Tx, person: str) -> str | None:
    return next((account.email for account in people.accounts_of(tx, person, "slack") if account.email), None)
