"""What one person decides alone, by breaking the glass or on a step that only closes access: everyone told, a review.

Belongs here: whom to tell, opening the review and its clock. Does not belong here: whether one person may (breaking.py,
approvals.py), the review itself (reviewing.py), sending (the playbook `comms/acted-alone`: a message is a step).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from playbooks.engine.held import House
from playbooks.engine.quorum import groups_of, on_call_policy, slack_id
from playbooks.engine.starting import write_run
from playbooks.engine.transition import Changes, transition
from playbooks.policy import ApprovalRule
from storage import cards, incidents, people, reviews, timers
from storage.db import Tx
from storage.reviews import Review
from storage.runs import Approval, Run

PLAYBOOK = "comms/acted-alone"
REMIND_AT = 0.5  # of the time until a review is due


def open_review(tx: Tx, run: Run, asked: Approval, kind: str, person: str, within_s: float, changes: Changes) -> Review:
    """The task for a second person, its event and its clock."""
    made = reviews.open(tx, kind, asked.id, run.id, person, tx.now + timedelta(seconds=within_s))
    changes.event(
        "review.opened", person, review=made.id, kind=kind, approval=asked.id, run=run.id, step=asked.idx,
        due_at=made.due_at,
    )  # fmt: skip
    timers.set(tx, "review", asked.id, tx.now + timedelta(seconds=within_s * REMIND_AT))
    redraw(tx, run, asked.id)
    return made


def acts(tx: Tx, house: House, run: Run, asked: Approval, person: str) -> None:
    """A step that only closes access starts on one person's word: everyone hears of it, and it is looked at after.

    Called inside the start's transaction; the same approval, kept for a second try, is told once.
    """
    if reviews.of_approval(tx, asked.id) is not None:
        return
    house.find_playbook(PLAYBOOK)
    changes = Changes()
    rule = ApprovalRule.model_validate(asked.rule)
    review = open_review(tx, run, asked, "contain", person, rule.review_within_s or 3600.0, changes)
    transition(tx, run, changes)
    text = (
        f"🔒 {plain(people.name(tx, person))} alone approved, for {run.incident or run.id}: {asked.plan['effect']}. It "
        f"starts now. A second person must look at it by {review.due_at:%d %b %H:%M} UTC: `/playbook review {run.id} "
        f"accept` or `object <reason>`. Opening again what it closes takes the full quorum. {house.url}"
    )
    tell(tx, house, run, text, everyone(tx, house, run, rule))


def redraw(tx: Tx, run: Run, approval: str) -> None:
    """Every card that shows the review."""
    cards.want(tx, "approval", approval, run.stream)
    if run.shown:
        cards.want(tx, "run", run.id, run.stream)
    if run.incident:
        cards.want(tx, "board", run.incident, run.stream)


def tell(tx: Tx, house: House, run: Run, text: str, to: Collection[str], *, post: bool = True) -> str | None:
    """Start telling these people, and the channel. Returns the run, None where nobody and nowhere is to be told.

    Raises Refused when the playbook cannot be read: nobody acts alone where nobody can be told.
    """
    users = [slack for person in dict.fromkeys(to) if (slack := slack_id(tx, person))]
    channel = _channel(tx, house, run) if post else None
    if not users and not channel:
        return None
    inputs = {"channel": channel, "users": users, "text": text}
    return write_run(
        tx, house, playbook=house.find_playbook(PLAYBOOK), inputs=inputs, incident=run.incident,
        requester=run.requester, shown=False, kind=run.kind,
    )  # fmt: skip


def everyone(tx: Tx, house: House, run: Run, rule: ApprovalRule) -> list[str]:
    """Who must hear of it: all who may approve, the on-call, the administrators, and who asked.

    Where every full member may approve, the channel tells them; writing to a whole workspace tells nobody.
    """
    groups = [*groups_of(rule), *(group for group in administrators(house) if group != people.EVERYONE)]
    found = [member.person for group in dict.fromkeys(groups) for member in people.members(tx, group)]
    policy = on_call_policy(house.policy, run)
    on_call = [one.person for one in people.on_call(tx, policy)] if policy else []
    return list(dict.fromkeys([*found, *on_call, run.requester]))


def administrators(house: House) -> tuple[str, ...]:
    """The groups that may change how Muster works."""
    return house.policy.permissions.administer


def plain(text: str, most: int = 1000) -> str:
    """What people typed, inside a message of ours: one line, cut, and unable to mention anybody."""
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _channel(tx: Tx, house: House, run: Run) -> str | None:
    """The incident's own channel; a run of no incident tells where approvals stand. A private one never elsewhere."""
    if run.incident:
        found = incidents.get(tx, run.incident)
        return found.channel if found else None
    places = house.policy.organisation.slack
    return places.approvals or places.announce
