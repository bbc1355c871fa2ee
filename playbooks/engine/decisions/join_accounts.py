"""Decision `join-accounts`: two accounts are one human, says an administrator and a second person. From then on they
have one vote.

Belongs here: asking for it, doing it, counting open approvals again. Does not belong here: the rows of people
(storage/joining.py). A Slack account that acts as a person of its own brings that whole person along; a guest's or
stranger's stays one and gives no vote.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from playbooks.action import Risk
from playbooks.engine import approvals as rules
from playbooks.engine.deciding import DecisionRule, handler, propose
from playbooks.engine.held import House
from playbooks.engine.quorum import count
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import Refused
from playbooks.policy_approvals import base_rule
from storage import joining, people, runs
from storage.db import Tx
from storage.decisions import Decision
from storage.timeline import ORG

KIND = "join-accounts"
OPEN_FOR_S = 24 * 3600.0
WORDS = {"slack": "Slack", "pagerduty": "PagerDuty"}


@dataclass(frozen=True)
class Account:
    """What is to be joined. kind: slack or pagerduty; id: "T1/U1" or "PXXXX"."""

    kind: str
    id: str

    @property
    def said(self) -> str:
        """For people."""
        return f"{WORDS[self.kind]} account {self.id}"


def ask(tx: Tx, house: House, *, person: str, account: Account, asked_by: str) -> Decision:
    """Ask for the account to be this person's. Raises Refused where that cannot be, or is so already."""
    former = _check(tx, house, person, account)
    name, also = people.name(tx, person), ""
    if former is not None:
        also = f"\n• {people.name(tx, former)} ({former}) and {name} ({person}) become one person, with one vote."
    short = hashlib.sha256(account.id.encode()).hexdigest()[:12]
    body = {
        "person": person, "kind": account.kind, "account": account.id, "former": former,
        "title": f"Join the {account.said} to {name}",
        "shown": f"• From then on both act as one person: {name}.{also}\n• Open approvals are counted again at once.",
    }  # fmt: skip
    base = base_rule(house.policy.approvals, Risk.IRREVERSIBLE)
    from_ = tuple(dict.fromkeys([*house.policy.permissions.administer, *base.from_]))
    barred = (former,) if former else ()  # else one human with both accounts would be the administrator and the other
    rule = DecisionRule(people=2, from_=from_, asker_counts=True, admin=True, barred=barred, expires_s=OPEN_FOR_S)
    subject = f"{person}/{account.kind}/{short}"
    return propose(tx, house, kind=KIND, subject=subject, body=body, stream=ORG, asked_by=asked_by, rule=rule)


def _check(tx: Tx, house: House, person: str, account: Account) -> str | None:
    """The person who ends by it, None where only an account moves."""
    own = people.accounts_of(tx, person, "slack")
    if not own or own[0].state != people.MEMBER:
        raise Refused(f"{people.name(tx, person)} is no full member of this workspace, so nothing is joined to them.")
    found = people.account(tx, account.kind, account.id)
    if found is None and account.kind == "slack":
        raise Refused(f"The {account.said} was never seen here.", todo="Have it say anything to Muster once.")
    if found is not None and found.person == person and found.state not in (people.MAIL, people.LISTED):
        raise Refused(f"The {account.said} is {people.name(tx, person)}'s already.")
    if account.kind == "slack":
        assert found is not None
        if found.state == people.BOT:
            raise Refused(f"The {account.said} is a bot's; nobody is a bot.")
        return found.person
    for name, one in house.policy.people.items():
        mine = house.directory.person_by_slack(tx, one.slack) if house.directory and one.slack else None
        if one.pagerduty == account.id and mine != person:
            raise Refused(f"The policy says that the {account.said} is {name}'s.", todo="Change its `people` section.")
    return None


@handler(KIND)
def join(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """They are one from now on; who voted twice is counted once, who asked under either name does not count."""
    person, account = decision.body["person"], Account(decision.body["kind"], decision.body["account"])
    former = _check(tx, house, person, account)
    if former != decision.body["former"]:
        raise Refused(f"The {account.said} belongs to somebody else by now.", todo="Ask for it anew.")
    about = [person, former] if former else [person]
    touched = joining.live_approvals(tx, about)
    twice = joining.both_counted(tx, former, person) if former else []
    for _, run in touched:
        lock(tx, run)
    moved = joining.take_over(tx, account.kind, account.id, person)
    if former:
        joining.merge(tx, former, person)
    again = [words for approval, run in touched if (words := _recount(tx, approval, run))]
    joining.told(tx, moved, former, decision=decision.id, by=by, twice=twice)
    name = people.name(tx, person)
    before = f" ⚠️ Both had approved {', '.join(twice)} as two people: look at it." if twice else ""
    return f"✅ The {account.said} and {name} are one person now. {' '.join(again)}{before}".strip()


def _recount(tx: Tx, approval: str, run: str) -> str:
    """Count an open approval as the one person they are now; words where that changed anything."""
    asked, found, changes = runs.approval(tx, approval), runs.get(tx, run), Changes()
    assert asked is not None and found is not None
    barred = joining.carried(tx, asked.barred)
    changes.approvals[approval] = {"barred": barred}
    transition(tx, found, changes)
    now = runs.approval(tx, approval)
    assert now is not None
    tally, after = count(tx, now), Changes()
    if not tally.dropped and now.barred == asked.barred:
        return ""
    after.event("approval.recounted", approval=approval, run=run, step=asked.idx, dropped=sorted(tally.dropped))
    if now.state == "granted" and not tally.satisfied:
        after.approvals[approval] = {"state": "open", "decided_at": None}
    transition(tx, found, after)
    names = rules.join([people.name(tx, one) for one in tally.counted])
    return f"{approval} counts {len(tally.counted)} of {len(tally.slots)} now ({names})."
