"""Votes on an approval: approve, deny, revoke. Decided on rows, inside one transaction, under the run's lock.

Every attempt is an event, refused ones too, so refusals are returned (`Said(ok=False)`), never raised.
Belongs here: what a vote does. Does not belong here: whose vote counts (approvals.py), refreshing who people are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from playbooks import step_up
from playbooks.directory import Person
from playbooks.engine import approvals as rules
from playbooks.engine.engine import Engine
from playbooks.engine.moves import RUN_ENDED
from playbooks.engine.paging import call_again
from playbooks.engine.quorum import believed, candidates, count, on_call_policy, rule_of
from playbooks.engine.spending import covered, waiting
from playbooks.engine.transition import Changes, lock, transition
from playbooks.errors import Refused
from playbooks.policy import ApprovalRule
from storage import cards, people, runs
from storage.db import Tx
from storage.runs import Approval, Run
from storage.sql import insert_or
from storage.tables import votes

Choice = Literal["approve", "deny"]
BROKEN = "break-glass"


@dataclass(frozen=True)
class Said:
    """The answer to the one who voted. ok False: refused, and that is on the record."""

    text: str
    ok: bool = True


@dataclass
class _Ballot:
    """One attempt to vote, while it is judged."""

    tx: Tx
    engine: Engine
    run: Run
    asked: Approval
    actor: Person
    choice: str
    via: str
    reason: str
    believed_at: datetime | None = None
    proved: str | None = None

    @property
    def rule(self) -> ApprovalRule:
        return rule_of(self.asked)

    def refuse(self, why: str, code: str) -> Said:
        """Write down the refused attempt and say why."""
        changes = Changes()
        self._event(changes, False, code)
        transition(self.tx, self.run, changes)
        return Said(why, ok=False)

    def _event(self, changes: Changes, counted: bool, code: str = "", **more: Any) -> None:
        actor = self.actor
        texts = {"reason": self.reason} if self.reason else {}
        if actor.person is None:  # nobody by that account may vote: the record still says whose it was
            more, texts = {**more, "seen_as": actor.seen_as}, {**texts, "account": actor.account}
        changes.event(
            "approval.voted", actor.person or "unknown", approval=self.asked.id, run=self.run.id,
            step=self.asked.idx, person=actor.person, choice=self.choice, counted=counted, why=code, via=self.via,
            digest=self.asked.digest, believed_at=self.believed_at, proof=self.proved, **more,
            texts=texts,
        )  # fmt: skip

    def count(self, changes: Changes, **more: Any) -> None:
        """Write down the vote that counts."""
        self._event(changes, True, **more)
        row = {
            "approval": self.asked.id, "person": self.actor.person, "choice": self.choice,
            "account": f"{self.actor.account_kind}:{self.actor.account}",
            "via": self.via, "reason": self.reason or None, "believed_at": self.believed_at,
            "proof": self.proved, "at": self.tx.now,
        }  # fmt: skip
        statement = insert_or(self.tx, votes).values(row)
        again = {key: row[key] for key in ("choice", "account", "via", "reason", "believed_at", "proof", "at")}
        self.tx.conn.execute(statement.on_conflict_do_update(index_elements=["approval", "person"], set_=again))


def vote(
    tx: Tx,
    engine: Engine,
    *,
    run: str,
    digest: str | None,
    actor: Person,
    choice: Choice,
    via: str,
    reason: str = "",
    pressed: tuple[str, str] | None = None,
    proof: str = "",
    ask: str = "",
) -> Said:
    """Cast a vote. digest: what the card the person saw was bound to (full or its first characters), or None.

    pressed: (channel, ts) of the message a button was pressed on: a card of something else is no card of this.
    proof, ask: what became of the one-time code (step_up.py) and the ask it came with; needed for a yes where the rule
    says so, and always from a terminal.
    """
    found = lock_run(tx, run)
    if isinstance(found, Said):
        return found
    asked = _asked(tx, found, digest)
    if isinstance(asked, Said):
        _of_nothing(tx, found, actor, choice, via)
        return asked
    ballot = _Ballot(tx, engine, found, asked, actor, choice, via, reason.strip())
    if digest and not asked.digest.startswith(digest):
        return ballot.refuse(
            "This card is not current any more: what would happen changed. Nothing was counted. "
            f"Look at the newest card, or `/playbook status {run}`.",
            "old card",
        )
    card = cards.by_message(tx, *pressed) if pressed else None
    if card is not None and (card.kind, card.subject) != ("approval", asked.id):
        return ballot.refuse(
            f"The card you pressed is not the one of this approval. Press on its own card, or type `/playbook {choice} "
            f"{run}`.", "foreign card"
        )  # fmt: skip
    if asked.state not in ("open", "granted"):
        return ballot.refuse(_ended_words(asked), f"the approval is {asked.state}")
    if rules.expired(tx.now, asked.expires_at):
        return ballot.refuse(
            f"It expired at {asked.expires_at:%H:%M:%S} UTC. Ask again: `/playbook retry {run}`.", "expired"
        )
    if asked.mode == BROKEN and choice == "approve":
        return ballot.refuse("The glass was broken for it: it needs nobody's approval any more.", "glass broken")
    verdict = _eligible(ballot)
    if not verdict.ok:
        able = candidates(tx, ballot.rule, asked.barred, on_call_policy(engine.house.policy, found))
        return ballot.refuse(rules.refusal(verdict, ballot.rule, able), verdict.code)
    if choice == "deny":
        return _deny(ballot)
    if ballot.rule.mfa or proof or actor.account_kind == people.CLI:
        try:
            ballot.proved = step_up.take(tx, actor.person or "", proof, ask).method
        except Refused as no:
            return ballot.refuse(str(no), "proof")
    return _approve(ballot)


def lock_run(tx: Tx, run: str) -> Run | Said:
    """The run, locked; where there is none, the words for whoever named it."""
    try:
        return lock(tx, run)
    except LookupError:
        return Said(f"There is no run **{run}**. `/playbook status` lists them.", ok=False)


def _asked(tx: Tx, run: Run, digest: str | None) -> Approval | Said:
    """The approval that is meant: the live one, else the one the card was bound to, else the newest."""
    known = runs.approvals_of(tx, run.id)
    live = [one for one in known if one.state in ("open", "granted")]
    if live:
        return live[-1]
    bound = [one for one in known if digest and one.digest.startswith(digest)]
    if bound or known:
        return (bound or known)[-1]
    return Said(f"Nothing in {run.id} ({run.playbook}) waits for approval. Nothing was changed. "
                f"`/playbook status {run.id}` shows where it stands.", ok=False)  # fmt: skip


def _of_nothing(tx: Tx, run: Run, actor: Person, choice: str, via: str) -> None:
    """A vote where nothing was asked is an attempt too."""
    changes = Changes()
    changes.event(
        "approval.voted", actor.person or "unknown", approval=None, run=run.id, step=None, person=actor.person,
        choice=choice, counted=False, why="nothing waits", via=via, digest=None, believed_at=None,
        texts={} if actor.person else {"account": actor.account},
    )  # fmt: skip
    transition(tx, run, changes)


def _ended_words(asked: Approval) -> str:
    why = f": {asked.reason}" if asked.reason and asked.state != "used" else ""
    words = {"used": "It was approved and has started", "void": "It is void"}
    said = f"{words.get(asked.state, f'It was {asked.state}')}{why}."
    return f"{said} Your vote changes nothing: `/playbook status {asked.run}` shows how it goes."


def _eligible(ballot: _Ballot) -> rules.Eligibility:
    actor, tx = ballot.actor, ballot.tx
    if actor.person is None:
        return rules.Eligibility(False, actor.why_not or "Muster does not know who you are.", "account")
    using = {actor.person: (actor.account_kind, actor.account)}
    found = people.voters_by_id(tx, [actor.person], using)[actor.person]
    ballot.believed_at = found.believed_at
    voter = believed(tx, ballot.rule, found, actor.account_kind)
    if voter.person in ballot.asked.barred and ballot.choice == "deny":
        return rules.Eligibility(True)  # whoever asked may always stop it
    if ballot.asked.mode == BROKEN:  # who could have approved can still stop it, whatever was set aside
        return rules.eligible(ApprovalRule.model_validate(ballot.asked.rule), {}, voter, tx.now)
    return rules.eligible(ballot.rule, ballot.asked.barred, voter, tx.now)


def _approve(ballot: _Ballot) -> Said:
    tx, asked, run = ballot.tx, ballot.asked, ballot.run
    mine = next((v for v in runs.votes_on(tx, asked.id) if v.person == ballot.actor.person), None)
    if mine is not None and mine.choice == "approve" and _stands(tx, asked, mine.person):
        ballot.refuse("", "already counted")
        return Said("Your approval already counts.")
    changes = Changes()
    ballot.count(changes)
    tally = count(tx, asked)
    total = len(tally.slots)
    done = total - tally.missing
    if not tally.satisfied:
        changes.approvals[asked.id] = {}
        transition(tx, run, changes)
        wanted = (
            f" More from {rules.join([f'`@{g}`' for g in tally.missing_groups], 'or')}." if tally.missing_groups else ""
        )
        return Said(f"✅ Approved: {asked.plan['effect']}. {done} of {total}.{wanted}")
    if asked.state == "open":
        changes.approvals[asked.id] = {"state": "granted", "decided_at": tx.now}
        changes.event("approval.granted", approval=asked.id, run=run.id, step=asked.idx,
                      steps=covered(asked), by=list(tally.counted))  # fmt: skip
        changes.run["ready_at"] = tx.now
    transition(tx, run, changes)
    return Said(f"✅ Approved: {asked.plan['effect']}. {done} of {total}: it starts now.")


def _stands(tx: Tx, asked: Approval, person: str) -> bool:
    """Whether an earlier yes does all that a new one could. Not where it was dropped, or where a start counted it out
    and it counts again: then the new press completes the quorum."""
    tally = count(tx, asked)
    completes = tally.satisfied and asked.state == "open"
    return person in (*tally.counted, *tally.spare) and not completes


def _deny(ballot: _Ballot) -> Said:
    tx, asked, run = ballot.tx, ballot.asked, ballot.run
    changes = Changes()
    ballot.count(changes)
    changes.approvals[asked.id] = {"state": "denied", "reason": f"denied by {ballot.actor.name}"}
    changes.event("approval.denied", ballot.actor.person or "", approval=asked.id, run=run.id, step=asked.idx)
    step = waiting(asked, runs.steps_of(tx, run.id))
    words = f"Denied by {ballot.actor.name}" + (f": {ballot.reason}" if ballot.reason else "")
    if step.state in ("held", "pending"):
        changes.steps[step.idx] = {"state": "failed", "error": words, "wake_at": None}
        changes.told("step.failed", step, why="denied", texts={"error": words})
    changes.run["ready_at"] = tx.now
    transition(tx, run, changes)
    nothing = f"{begun} began already; the rest is not done." if (begun := _begun(asked)) else "Nothing was changed."
    return Said(f"⛔ Denied: {asked.plan['effect']}. {nothing} {run.id} pauses; a person chooses what next.")


def revoke(tx: Tx, engine: Engine, *, run: str, actor: Person, via: str, reason: str = "") -> Said:
    """Take one's approval back. Before the start it is withdrawn; after it, it is a request to stop."""
    found = lock_run(tx, run)
    if isinstance(found, Said):
        return found
    known = runs.approvals_of(tx, run)
    mine = [
        one for one in known
        if any(v.person == actor.person and v.choice == "approve" for v in runs.votes_on(tx, one.id))
    ]  # fmt: skip
    if not mine:
        return Said(f"You have approved nothing in {run}. Nothing was changed. "
                    f"`/playbook deny {run} <why>` says no.", ok=False)  # fmt: skip
    asked = mine[-1]
    ballot = _Ballot(tx, engine, found, asked, actor, "revoke", via, reason.strip())
    if asked.state in ("open", "granted"):
        changes = Changes()
        ballot.count(changes)
        if asked.mode == BROKEN:
            return _mended(ballot, changes)
        changes.approvals[asked.id] = {"state": "open", "decided_at": None}
        changes.event("approval.revoked", actor.person or "", approval=asked.id, run=run, step=asked.idx, started=False)
        tally = count(tx, asked)
        if asked.state == "granted":  # whoever was called has been let sleep since
            changes.approvals[asked.id]["paged"] = call_again(tx, engine.house, found, asked, tally.counted)
        begun = _begun(asked)
        if begun and not found.stop_asked and found.state != "paused":  # it is a request to stop as well
            changes.run |= {"stop_asked": "pause", "ready_at": tx.now}
        transition(tx, found, changes)
        left = f"{begun} of its stage began already and cannot be called back; the rest waits, and {run} pauses."
        return Said(
            f"Your approval is withdrawn: {len(tally.counted)} of {len(tally.slots)}. "
            f"{left if begun else 'Nothing has started.'}"
        )
    if asked.state != "used" or found.state in RUN_ENDED:
        return ballot.refuse(_ended_words(asked), f"the approval is {asked.state}")
    changes = Changes()
    changes.event("approval.revoked", actor.person or "", approval=asked.id, run=run, step=asked.idx, started=True)
    if not found.stop_asked and found.state != "paused":
        changes.run |= {"stop_asked": "pause", "ready_at": tx.now}
    transition(tx, found, changes)
    step = runs.steps_of(tx, run)[asked.idx - 1]
    return Said(
        f"Step {step.idx} {step.uses} has started and cannot be called back. **{run}** starts nothing more; "
        f"`/playbook abort {run}` or `/playbook resume {run}`."
    )


def _begun(asked: Approval) -> str:
    """Which steps of a stage began on this approval, in words; "" for none."""
    started = [str(one) for one in dict.fromkeys((asked.plan or {}).get("started", ()))]
    return f"Step{'s' * (len(started) > 1)} {', '.join(started)}" if started else ""


def _mended(ballot: _Ballot, changes: Changes) -> Said:
    """Who broke the glass thinks again before the start: nobody else's yes can take its place, so it is asked anew."""
    tx, asked, run = ballot.tx, ballot.asked, ballot.run
    changes.approvals[asked.id] = {"state": "void", "reason": "who broke the glass took it back"}
    changes.event(
        "approval.revoked", ballot.actor.person or "", approval=asked.id, run=run.id, step=asked.idx, started=False
    )
    changes.event(
        "approval.void", approval=asked.id, run=run.id, step=asked.idx, why="who broke the glass took it back"
    )
    step = waiting(asked, runs.steps_of(tx, run.id))
    changes.steps[step.idx] = {"approval": None, "note": "asking again"}
    if step.state == "held":
        changes.steps[step.idx]["state"] = "pending"
    changes.run["ready_at"] = tx.now
    transition(tx, run, changes)
    return Said("Your decision is withdrawn. Nothing has started; approval is asked for again.")
