"""The second look at what one person decided alone: accept or object, reminders, and who hears when it is overdue.

Plain functions inside the asker's transaction; every attempt is an event, refused ones too. Belongs here: who may
review, the end of a review, its clock. Does not belong here: opening one (alone.py), the clock itself (bot/clock.py).
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Literal

from playbooks.directory import Person
from playbooks.engine import alone, moves
from playbooks.engine import approvals as rules
from playbooks.engine.engine import Engine
from playbooks.engine.transition import Changes, lock, transition
from playbooks.engine.voting import Said, lock_run
from playbooks.errors import Refused
from playbooks.policy import ApprovalRule
from storage import people, reviews, runs, timers
from storage.db import Tx
from storage.reviews import Review
from storage.runs import Approval, Run

Verdict = Literal["accept", "object"]
ENDS = {"accept": "accepted", "object": "objected"}
AGAIN = timedelta(hours=4)  # how often administrators hear of one that is overdue


def review(tx: Tx, engine: Engine, *, run: str, actor: Person, verdict: Verdict, reason: str, via: str) -> Said:
    """Say what a second person thinks of it. An objection needs a reason; neither changes what was done."""
    found = lock_run(tx, run)
    if isinstance(found, Said):
        return found
    known = reviews.of_run(tx, run)
    mine = next((one for one in known if one.state == "open"), None)
    if mine is None:
        return _refuse(tx, found, known[-1] if known else None, actor, verdict, via, *_nothing(run, known))
    asked = runs.approval(tx, mine.approval)
    assert asked is not None
    why, code = _not_you(tx, engine, mine, asked, actor)
    if not why and verdict == "object" and not reason.strip():
        why = f"An objection needs a reason: `/playbook review {run} object <why>`. Nothing was changed."
        code = "no reason"
    if why:
        return _refuse(tx, found, mine, actor, verdict, via, why, code)
    return _settle(tx, engine, found, mine, asked, actor, verdict, reason.strip(), via)


def _nothing(run: str, known: list[Review]) -> tuple[str, str]:
    if known:
        return f"The review of {run} has been done: {known[-1].state}.", "done"
    why = f"Nothing in {run} was decided by one person alone. Nothing was changed; `/playbook status {run}` shows it."
    return why, "nothing waits"


def _not_you(tx: Tx, engine: Engine, mine: Review, asked: Approval, actor: Person) -> tuple[str, str]:
    """Why this person is no second person, and the code of it; ("", "") when they are."""
    if actor.person is None:
        return actor.why_not or "Muster does not know who you are.", "account"
    if actor.person == mine.person:
        return "You decided this yourself; a second person must look at it. Nothing was changed.", "self"
    if actor.person in asked.barred:
        return "You asked for this run or changed it; somebody else must look at it. Nothing was changed.", "barred"
    using = {actor.person: (actor.account_kind, actor.account)}
    voter = people.voters_by_id(tx, [actor.person], using)[actor.person]
    rule = ApprovalRule.model_validate(asked.rule)
    may = rules.eligible(rule, {}, voter, tx.now)
    administers = rule.model_copy(update={"people": 1, "groups": (), "from_": alone.administrators(engine.house)})
    if may.ok or (administers.from_ and rules.eligible(administers, {}, voter, tx.now).ok):
        return "", ""
    return may.why.replace("Approving needs", "Reviewing needs") + " An administrator may, too.", may.code


def _refuse(tx: Tx, run: Run, mine: Review | None, actor: Person, verdict: str, via: str, why: str, code: str) -> Said:
    changes = Changes()
    changes.event(
        "review.refused", actor.person or "unknown", review=mine.id if mine else None, run=run.id, person=actor.person,
        choice=verdict, why=code, via=via, texts={} if actor.person else {"account": actor.account},
    )  # fmt: skip
    transition(tx, run, changes)
    return Said(why, ok=False)


def _settle(
    tx: Tx, engine: Engine, run: Run, mine: Review, asked: Approval, actor: Person, verdict: str, reason: str, via: str
) -> Said:
    state = ENDS[verdict]
    moves.check("review", mine.state, state)
    reviews.settle(tx, mine, state, str(actor.person), reason)
    timers.cancel(tx, "review", asked.id)
    changes = Changes()
    changes.event(
        "review.done", str(actor.person), review=mine.id, kind=mine.kind, approval=asked.id, run=run.id,
        step=asked.idx, state=state, due_at=mine.due_at, via=via, texts={"reason": reason} if reason else {},
    )  # fmt: skip
    alone.redraw(tx, run, asked.id)
    transition(tx, run, changes)
    effect, who = asked.plan["effect"], people.name(tx, mine.person)
    if verdict == "accept":
        return Said(f"✅ Reviewed: {effect}, decided by {who} alone. It is on the record.")
    text = (
        f"⚠️ {alone.plain(actor.name)} objects to what {alone.plain(who)} decided alone for {run.incident or run.id}: "
        f"{effect}. Reason: {alone.plain(reason)} — Nothing is taken back by itself. {engine.house.url}"
    )
    rule = ApprovalRule.model_validate(asked.rule)
    alone.tell(tx, engine.house, run, text, alone.everyone(tx, engine.house, run, rule))
    return Said(f"⚠️ Your objection is on the record and everyone is told: {effect}. Nothing is taken back by itself.")


def due(tx: Tx, engine: Engine, approval: str) -> None:
    """The clock of a review: before it is due whoever may review is reminded; after, the administrators hear of it."""
    mine = reviews.of_approval(tx, approval)
    if mine is None or mine.state != "open":
        return
    run = lock(tx, mine.run)
    asked = runs.approval(tx, approval)
    assert asked is not None
    late = tx.now >= mine.due_at
    timers.set(tx, "review", approval, tx.now + AGAIN if late else mine.due_at)
    changes = Changes()
    if late:
        changes.event("review.overdue", review=mine.id, kind=mine.kind, run=run.id, due_at=mine.due_at)
    else:
        changes.event("review.reminded", review=mine.id, kind=mine.kind, run=run.id, due_at=mine.due_at)
    alone.redraw(tx, run, approval)
    transition(tx, run, changes)
    with contextlib.suppress(Refused):  # the clock goes on, and the cards show it, whatever became of the playbook
        text, to = _words(tx, engine, run, mine, asked, late), _to(tx, engine, run, asked, late)
        alone.tell(tx, engine.house, run, text, to, post=late)


def _words(tx: Tx, engine: Engine, run: Run, mine: Review, asked: Approval, late: bool) -> str:
    was, who = "has been due since" if late else "is due by", alone.plain(people.name(tx, mine.person))
    return (
        f"{'⏰' if late else '🔎'} {run.incident or run.id}: what {who} decided alone "
        f"({asked.plan['effect']}) waits for a second person's look, which {was} {mine.due_at:%d %b %H:%M} UTC. "
        f"`/playbook review {run.id} accept` or `object <reason>`. {engine.house.url}"
    )


def _to(tx: Tx, engine: Engine, run: Run, asked: Approval, late: bool) -> list[str]:
    """Reminders go to who may review; once it is late, to the administrators as well."""
    review = reviews.of_approval(tx, asked.id)
    not_these = {*asked.barred, review.person if review else ""}
    everyone = alone.everyone(tx, engine.house, run, ApprovalRule.model_validate(asked.rule))
    if late:
        groups = [group for group in alone.administrators(engine.house) if group != people.EVERYONE]
        admins = [member.person for group in groups for member in people.members(tx, group)]
        return list(dict.fromkeys([*admins, *(one for one in everyone if one not in not_these)]))
    return [one for one in everyone if one not in not_these]
