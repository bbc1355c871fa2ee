"""Decisions of two people: opening one, saying yes or no, its end. For what needs a second person and is no step.

Plain functions inside the asker's transaction. Every attempt is an event, refused ones too, so refusals of a word are
returned (`Said(ok=False)`), never raised. What is done when enough people agreed is the kind's handler
(decisions/<kind>.py), in the same transaction. Belongs here: that. Does not belong here: the count (decision_rule.py).
Lock order: the decision's row before everything its handler locks; the `org` stream last.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from playbooks import step_up
from playbooks.action import Risk
from playbooks.directory import Person
from playbooks.engine import approvals as rules
from playbooks.engine import moves
from playbooks.engine.decision_rule import (
    DecisionRule,
    Standing,
    barred_of,
    digest_of,
    eligible,
    standing,
    who_can,
)
from playbooks.engine.held import House
from playbooks.engine.quorum import believed
from playbooks.engine.voting import Said
from playbooks.errors import Refused
from playbooks.policy_approvals import base_rule
from storage import cards, decisions, incidents, people, replies, timeline, timers
from storage.db import Tx, savepoint
from storage.decisions import OPEN, Decision
from storage.joining import carried
from storage.timeline import ORG, Entry
from storage.types import iso

__all__ = ["DecisionRule", "Standing", "expire", "handler", "propose", "reachable", "stands", "void", "vote"]

Handler = Callable[[Tx, House, Decision, list[str]], str]
Choice = Literal["approve", "deny"]
_handlers: dict[str, Handler] = {}
MOST_TOLD = 20


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Declare what a kind does: `handler(tx, house, decision, by) -> words`; raises Refused for "not now"."""

    def declare(function: Handler) -> Handler:
        expected = f"playbooks.engine.decisions.{kind.replace('-', '_')}"
        if function.__module__ != expected and not function.__module__.startswith("tests"):
            raise TypeError(f"the handler of {kind} must live in {expected}, not {function.__module__}")
        _handlers[kind] = function
        return function

    return declare


def find(kind: str) -> Handler:
    """The handler of a kind; its module is loaded by name. Raises LookupError for a kind nobody declared."""
    if kind not in _handlers and kind.replace("-", "").isalnum():
        importlib.import_module(f"playbooks.engine.decisions.{kind.replace('-', '_')}")
    return _handlers[kind]


# --- opening --------------------------------------------------------------------------------------------------------


def propose(
    tx: Tx,
    house: House,
    *,
    kind: str,
    subject: str,
    body: Mapping[str, Any],
    stream: str,
    asked_by: str | None,
    rule: DecisionRule,
) -> Decision:
    """Open a decision, or return the open one that says the same. Raises Refused when it takes an administrator and
    the policy names none.

    subject: machine words (it stands in events); body: JSON without floats; `title` says in one line what will be done,
    `shown` in more (both for people). Where who asked counts and is eligible, asking is their yes.
    """
    find(kind)
    full = _filled(rule, house)
    if full.admin and not full.admins:
        raise Refused("It takes an administrator, and the policy names none (`permissions.administer`).")
    for same in decisions.open_of(tx, kind, subject):
        if same.body == dict(body) and same.stream == stream and not rules.expired(tx.now, same.expires_at):
            return same
    made = _made(tx, kind, subject, dict(body), stream, asked_by, full)
    decisions.add(tx, made)
    timers.set(tx, "decision", made.id, made.expires_at)
    entries = [_opened(made, full)]
    if asked_by is not None and full.asker_counts and (own := _own_yes(tx, made, full, asked_by)):
        entries.append(own)
    timeline.append(tx, stream, *entries)
    cards.want(tx, "decision", made.id, stream)
    _tell(tx, house, made, full)
    return made


def _filled(rule: DecisionRule, house: House) -> DecisionRule:
    """With what the policy says now of administrators, young members and old beliefs."""
    section = house.policy.approvals
    return replace(
        rule,
        admins=house.policy.permissions.administer if rule.admin else (),
        mfa=rule.mfa or base_rule(section, Risk.IRREVERSIBLE).mfa,
        member_age_s=section.member_age.total_seconds() if rule.member_age_s is None else rule.member_age_s,
        directory_max_age_s=(
            section.directory_max_age.total_seconds() if rule.directory_max_age_s is None else rule.directory_max_age_s
        ),
    )


def _made(
    tx: Tx, kind: str, subject: str, body: dict[str, Any], stream: str, asked_by: str | None, rule: DecisionRule
) -> Decision:
    id, expires = decisions.next_id(tx), tx.now + timedelta(seconds=rule.expires_s)
    bound = {"id": id, "stream": stream, "asked_by": asked_by, "rule": rule.as_json(), "expires_at": iso(expires)}
    digest = digest_of(kind, subject, body, bound)
    return Decision(
        id, kind, subject, body, digest, rule.as_json(), stream, asked_by, OPEN, tx.now, expires, None, None
    )


def _opened(made: Decision, rule: DecisionRule) -> Entry:
    """What is asked stands beside the chain, by its digest: it may hold names and accounts."""
    body = {
        "decision": made.id, "kind": made.kind, "subject": made.subject, "digest": made.digest,
        "rule": rule.as_json(), "expires_at": made.expires_at, "asked_by": made.asked_by,
    }  # fmt: skip
    whole = json.dumps(made.body, sort_keys=True, ensure_ascii=False)
    return Entry("decision.opened", made.asked_by or "muster", body, {"body": whole})


def _own_yes(tx: Tx, made: Decision, rule: DecisionRule, person: str) -> Entry | None:
    """Asking as a yes: only of somebody who is eligible now."""
    mine = people.accounts_of(tx, person, "slack")
    if not mine or not eligible(rule, barred_of(rule, None), people.voters_by_id(tx, [person])[person], tx.now).ok:
        return None
    account = f"slack:{mine[0].id}"
    row = {"decision": made.id, "person": person, "choice": "approve", "account": account, "via": "asked",
           "reason": None, "proof": None}  # fmt: skip
    decisions.vote(tx, row)
    body = {"decision": made.id, "kind": made.kind, "person": person, "choice": "approve", "counted": True, "why": "",
            "via": "asked", "digest": made.digest, "proof": None}  # fmt: skip
    return Entry("decision.voted", person, body)


def _tell(tx: Tx, house: House, made: Decision, rule: DecisionRule) -> None:
    """Where no channel takes its card, everybody who can decide is written to."""
    if made.stream != ORG or house.policy.organisation.slack.approvals:
        return
    line = {"label": "Confirm", "line": f"playbook confirm {made.id} digest={made.digest[:12]}", "style": "primary"}
    no = {"label": "Reject", "line": f"playbook reject {made.id} digest={made.digest[:12]}", "asks": "reason"}
    text = f"⚖️ *{made.id}*: {title(made)}. Asked by {asker(tx, made)}. `/playbook confirm {made.id}` or reject it."
    for one in reachable(tx, made).eligible[:MOST_TOLD]:
        if mine := people.accounts_of(tx, one.person, "slack"):
            body = {"text": text, "buttons": [line, {**no, "style": "danger"}]}
            replies.add(
                tx, ask=None, account_kind="slack", account=mine[0].id, channel=None, body=body,
                id=f"decision:{made.id}:{one.person}",
            )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------------


def title(decision: Decision) -> str:
    """In one line, what will be done."""
    return str(decision.body.get("title") or f"{decision.kind} {decision.subject}")


def asker(tx: Tx, decision: Decision) -> str:
    """Who asked, in words."""
    return people.name(tx, decision.asked_by) if decision.asked_by else "Muster"


def stands(tx: Tx, decision: Decision, *, showing: bool = False) -> Standing:
    """Where it stands now, each person checked again on rows. showing: for a card, whatever the age of belief."""
    votes, rule = decisions.votes_on(tx, decision.id), DecisionRule.of(decision)
    using = {vote.person: (vote.account_kind, vote.account_id) for vote in votes}
    found = people.voters_by_id(tx, list(using), using)
    known = {one: believed(tx, rule.as_approval(), voter, using[one][0]) for one, voter in found.items()}
    return standing(rule, _barred(tx, decision), votes, known, tx.now, showing=showing)


def reachable(tx: Tx, decision: Decision) -> rules.Candidates:
    """Who could decide now, and whether they suffice."""
    rule = DecisionRule.of(decision)
    return who_can(rule, _barred(tx, decision), people.voters(tx, rule.asks_groups), tx.now)


def _barred(tx: Tx, decision: Decision) -> dict[str, str]:
    return carried(tx, barred_of(DecisionRule.of(decision), decision.asked_by))


# --- saying yes or no -----------------------------------------------------------------------------------------------


@dataclass
class _Word:
    """One attempt, while it is judged."""

    tx: Tx
    house: House
    decision: Decision
    actor: Person
    choice: str
    via: str
    reason: str
    proved: str | None = None

    def refuse(self, why: str, code: str) -> Said:
        """Write down the refused attempt and say why."""
        timeline.append(self.tx, self.decision.stream, self.entry(False, code))
        return Said(why, ok=False)

    def entry(self, counted: bool, code: str = "") -> Entry:
        """The attempt as it stands in the stream."""
        actor, asked = self.actor, self.decision
        body = {
            "decision": asked.id, "kind": asked.kind, "person": actor.person, "choice": self.choice,
            "counted": counted, "why": code, "via": self.via, "digest": asked.digest, "proof": self.proved,
        }  # fmt: skip
        texts = {"reason": self.reason} if self.reason else {}
        if actor.person is None:
            body["seen_as"] = actor.seen_as
            texts["account"] = actor.account
        return Entry("decision.voted", actor.person or "unknown", body, texts)

    def keep(self) -> None:
        """The row of a word that counts."""
        account = f"{self.actor.account_kind}:{self.actor.account}"
        row = {"decision": self.decision.id, "person": self.actor.person, "choice": self.choice, "account": account,
               "via": self.via, "reason": self.reason or None, "proof": self.proved}  # fmt: skip
        decisions.vote(self.tx, row)
        cards.want(self.tx, "decision", self.decision.id, self.decision.stream)


def vote(
    tx: Tx,
    house: House,
    *,
    decision: str,
    digest: str | None,
    actor: Person,
    choice: Choice,
    via: str,
    reason: str = "",
    proof: str | None = None,
    ask: str = "",
    pressed: tuple[str, str] | None = None,
) -> Said:
    """Say yes or no. digest: what the card the person saw was bound to (full or its first characters), or None.

    proof, ask: what became of the one-time code (step_up.py) and the ask it came with: needed for a yes where the rule
    says so, and always from a terminal. pressed: (channel, ts) of the message pressed on.
    """
    asked = decisions.get(tx, decision, lock=True)
    if asked is None:
        return Said(f"There is no decision **{decision}**. Nothing was done. "
                    "`/playbook decisions` lists them.", ok=False)  # fmt: skip
    word = _Word(tx, house, asked, actor, choice, via, reason.strip())
    if digest and not asked.digest.startswith(digest):
        return word.refuse(
            "This is not the card of it any more. `/playbook decisions` shows how it stands.", "old card"
        )
    card = cards.by_message(tx, *pressed) if pressed else None
    if card is not None and (card.kind, card.subject) != ("decision", asked.id):
        return word.refuse(f"The card you pressed is not the one of {asked.id}.", "foreign card")
    if asked.state != OPEN:
        why = f": {asked.reason}" if asked.reason else ""
        words = f"{asked.id} is {asked.state}{why}. Your word changes nothing. `/playbook decisions` lists them."
        return word.refuse(words, f"it is {asked.state}")
    if rules.expired(tx.now, asked.expires_at):
        said = word.refuse(f"{asked.id} expired at {asked.expires_at:%d %b %H:%M:%S} UTC. Ask for it anew.", "expired")
        _end(tx, asked, "expired", "nobody completed it in time")
        return said
    verdict = _eligible(word)
    if not verdict.ok:
        able = reachable(tx, asked)
        return word.refuse(rules.refusal(verdict, DecisionRule.of(asked).as_approval(), able), verdict.code)
    if choice == "deny":
        return _deny(word)
    if DecisionRule.of(asked).mfa or proof or actor.account_kind == people.CLI:
        try:
            word.proved = step_up.take(tx, actor.person or "", proof or "", ask).method
        except Refused as no:
            return word.refuse(str(no), "proof")
    return _agree(word)


def _eligible(word: _Word) -> rules.Eligibility:
    actor, tx, asked = word.actor, word.tx, word.decision
    if actor.person is None:
        return rules.Eligibility(False, actor.why_not or "Muster does not know who you are.", "account")
    if actor.person == asked.asked_by and word.choice == "deny":
        return rules.Eligibility(True)  # whoever asked may always take it back
    using = {actor.person: (actor.account_kind, actor.account)}
    rule, found = DecisionRule.of(asked), people.voters_by_id(tx, [actor.person], using)[actor.person]
    voter = believed(tx, rule.as_approval(), found, actor.account_kind)
    return eligible(rule, _barred(tx, asked), voter, tx.now)


def _deny(word: _Word) -> Said:
    word.keep()
    timeline.append(word.tx, word.decision.stream, word.entry(True))
    why = f"rejected by {word.actor.name}" + (f": {word.reason}" if word.reason else "")
    _end(word.tx, word.decision, "denied", why)
    return Said(f"⛔ Rejected: {title(word.decision)}. Nothing was changed.")


def _agree(word: _Word) -> Said:
    tx, asked = word.tx, word.decision
    before = stands(tx, asked)
    again = word.actor.person in before.agreed
    if again and not before.enough:
        word.refuse("", "already counted")
        return Said("Your confirmation already counts.")
    word.keep()
    now = stands(tx, asked)
    if not now.enough:
        timeline.append(tx, asked.stream, word.entry(True))
        return Said(f"✅ Confirmed: {title(asked)}. {_how_far(now, asked)}")
    return _done(word, list(now.agreed))


def _done(word: _Word, by: list[str]) -> Said:
    """Do it, in this transaction. What the handler refuses is undone; the word is kept and may be said again.

    The events of an incident's stream are written first, those of `org` last: it is locked last.
    """
    tx, asked = word.tx, word.decision
    if asked.stream != ORG:
        timeline.append(tx, asked.stream, word.entry(True))
    try:
        with savepoint(tx):
            said = find(asked.kind)(tx, word.house, asked, by)
    except Refused as no:
        if asked.stream == ORG:
            timeline.append(tx, ORG, word.entry(True))
        return Said(f"Your confirmation counts, but it cannot be done now: {no}", ok=False)
    if asked.stream == ORG:
        timeline.append(tx, ORG, word.entry(True))
    _end(tx, asked, "done", None, by)
    return Said(said or f"✅ Done: {title(asked)}.")


def _how_far(now: Standing, asked: Decision) -> str:
    total = len(now.tally.slots)
    if now.tally.missing == 0 and now.admin_missing:
        return "It still takes an administrator."
    groups = [f"`@{group}`" if group != people.EVERYONE else "any full member" for group in now.tally.missing_groups]
    return f"{total - now.tally.missing} of {total}. More from {rules.join(groups, 'or')}."


# --- ends -----------------------------------------------------------------------------------------------------------


def void(tx: Tx, decision: Decision, why: str) -> None:
    """End an open one because what it was about is no more. why: words for people."""
    _end(tx, decision, "void", why)


def expire(tx: Tx, id: str) -> None:
    """No answer by the deadline is a refusal. Looks at the database's clock; an early call sets the timer again."""
    asked = decisions.get(tx, id, lock=True)
    if asked is None or asked.state != OPEN:
        return
    if not rules.expired(tx.now, asked.expires_at):
        timers.set(tx, "decision", id, asked.expires_at)
        return
    _end(tx, asked, "expired", "nobody completed it in time")


def _end(tx: Tx, asked: Decision, state: str, why: str | None, by: Collection[str] = ()) -> None:
    moves.check("decision", asked.state, state)
    decisions.move(tx, asked.id, state, why)
    body = {"decision": asked.id, "kind": asked.kind, "digest": asked.digest, "by": list(by)}
    timeline.append(tx, asked.stream, Entry(f"decision.{state}", "muster", body, {"why": why} if why else {}))
    timers.cancel(tx, "decision", asked.id)
    cards.want(tx, "decision", asked.id, asked.stream)
    if asked.stream != ORG and incidents.get(tx, asked.stream) is not None:
        cards.want(tx, "board", asked.stream, asked.stream)
