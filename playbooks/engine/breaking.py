"""Breaking the glass: one person lets one held step start, with a reason, a one-time code, and rules set aside by name.

The open approval ends void; a new one is granted in its place, bound to the same effect and to what was set aside, good
for minutes. Everyone is told and a second person must review it. It reaches approvals of steps and nothing else: no
approver list, no policy, no record. Every attempt is an event, so refusals are returned (`Said(ok=False)`).
Belongs here: that. Does not belong here: what rules there are to set aside (policy_approvals.BREAKABLE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from playbooks import step_up
from playbooks.directory import Person
from playbooks.durations import words
from playbooks.engine import alone
from playbooks.engine import approvals as rules
from playbooks.engine.approvals import tally
from playbooks.engine.engine import Engine
from playbooks.engine.spending import covered
from playbooks.engine.transition import Changes, transition
from playbooks.engine.voting import Said, lock_run
from playbooks.errors import Refused
from playbooks.policy import ApprovalRule
from playbooks.policy_approvals import BREAKABLE
from storage import people, runs, timeline
from storage.db import Tx
from storage.people import Voter
from storage.runs import Approval, Run
from storage.sql import insert_or
from storage.tables import approvals, votes
from storage.timeline import ORG, Entry
from storage.types import iso

MODE = "break-glass"


@dataclass
class _Attempt:
    """One person at the glass."""

    tx: Tx
    engine: Engine
    run: Run
    asked: Approval | None
    actor: Person
    rules: tuple[str, ...]
    reason: str
    via: str

    def refuse(self, why: str, code: str) -> Said:
        """Write down the refused attempt and say why."""
        changes = Changes()
        asked = self.asked
        texts = {"reason": self.reason} if self.reason else {}
        changes.event(
            "approval.break_refused", self.actor.person or "unknown", approval=asked.id if asked else None,
            run=self.run.id, step=asked.idx if asked else None, person=self.actor.person, why=code, via=self.via,
            rules=list(self.rules), texts=texts,
        )  # fmt: skip
        transition(self.tx, self.run, changes)
        return Said(why, ok=False)

    @property
    def who(self) -> tuple[str, ...]:
        """The groups of which one person may break the glass."""
        return self.engine.house.policy.approvals.break_glass.who


def break_glass(
    tx: Tx,
    engine: Engine,
    *,
    run: str,
    digest: str | None,
    rules_named: Sequence[str],
    actor: Person,
    reason: str,
    proof: str,
    ask: str,
    via: str,
) -> Said:
    """Let the held step of a run start on one person's word. proof, ask: for `step_up.take`; digest as in `vote`."""
    found = lock_run(tx, run)
    if isinstance(found, Said):
        return found
    asked = runs.open_approval(tx, run)
    attempt = _Attempt(tx, engine, found, asked, actor, tuple(dict.fromkeys(rules_named)), reason.strip(), via)
    if asked is None:
        return attempt.refuse(f"Nothing in {run} ({found.playbook}) waits for approval. Nothing was done. "
                              f"`/playbook status {run}` shows where it stands.", "nothing waits")  # fmt: skip
    refused = _not_this(attempt, asked, digest) or _not_you(attempt, asked)
    if refused is not None:
        return refused
    try:
        engine.house.find_playbook(alone.PLAYBOOK)
    except Refused as no:
        return attempt.refuse(f"Nobody could be told of it, so it is not done: {no}", "nobody told")
    try:
        taken = step_up.take(tx, str(actor.person), proof, ask)
    except Refused as no:
        return attempt.refuse(str(no), "step-up")
    return _break(attempt, asked, taken.method)


def refuse_decision(tx: Tx, *, decision: str, actor: Person, via: str, reason: str = "") -> Said:
    """Glass protects steps. Approver lists, policy, identities and the record change by two people or not at all."""
    body = {"decision": decision, "person": actor.person, "why": "not a step", "via": via}
    texts = {"reason": reason.strip()} if reason.strip() else {}
    timeline.append(tx, ORG, Entry("decision.break_refused", actor.person or "unknown", body, texts))
    return Said(
        f"{decision} is no step of a run. Breaking the glass starts one held step; it never changes who approves, the "
        f"policy or the record. Nothing was done; `/playbook decisions` says who can decide {decision}.", ok=False
    )  # fmt: skip


def _not_this(attempt: _Attempt, asked: Approval, digest: str | None) -> Said | None:
    """What about the request itself stands in the way."""
    if digest and not asked.digest.startswith(digest):
        return attempt.refuse("This card is not current any more: what would happen changed. Nothing was done. "
                              f"Look at the newest card, or `/playbook status {asked.run}`.",
                              "old card")  # fmt: skip
    if asked.state == "granted":
        return attempt.refuse(f"It is approved already: {asked.plan['effect']}. Nothing has to be broken.", "granted")
    if rules.expired(attempt.tx.now, asked.expires_at):
        by = f"{asked.expires_at:%H:%M:%S} UTC"
        return attempt.refuse(f"It expired at {by}. Ask again: `/playbook retry {asked.run}`.", "expired")
    if not attempt.reason:
        return attempt.refuse("Breaking the glass needs a reason, which stays on the record. Nothing was done.",
                              "no reason")  # fmt: skip
    if unknown := [name for name in attempt.rules if name not in BREAKABLE]:
        return attempt.refuse(f"There is no rule *{unknown[0]}* to set aside. Nothing was done. There are: "
                              f"{', '.join(BREAKABLE)}; `rules=people,groups` names two.",
                              "unknown rule")  # fmt: skip
    return None


def _not_you(attempt: _Attempt, asked: Approval) -> Said | None:
    """Who may not break it at all, and which rules this person would have to name and did not."""
    tx, actor = attempt.tx, attempt.actor
    if actor.person is None:
        return attempt.refuse(actor.why_not or "Muster does not know who you are.", "account")
    rule = ApprovalRule.model_validate(asked.rule)
    voter = _voter(tx, actor)
    who = attempt.who or rule.from_
    aged = [name for name in attempt.rules if name in ("member_age", "directory_max_age")]
    allowed = rule.broken(["people", "groups", "from", "requester", *aged], who)
    verdict = rules.eligible(allowed, asked.barred, voter, tx.now)
    if not verdict.ok:
        code = "rules" if verdict.code in ("new", "stale") else verdict.code
        more = {"new": "member_age", "stale": "directory_max_age"}.get(verdict.code, "")
        hint = f" To set that aside too, name it: `{_line(asked, [*attempt.rules, more])}`." if more else ""
        may = rules.join([f"`@{group}`" if group != people.EVERYONE else "any full member" for group in who], "or")
        able = [one.name for group in who for one in people.members(tx, group)]
        named = f": {', '.join(list(dict.fromkeys(able))[:4])}" if able else ""
        return attempt.refuse(f"{verdict.why} The glass may be broken by {may}{named}. Nothing was done.{hint}", code)
    if not _enough(rule.broken(attempt.rules, who), asked, voter, tx):
        needed = in_the_way(rule, who, asked, voter, tx)
        return attempt.refuse(
            f"What stands in your way has to be named: {', '.join(needed)}. Nothing was done. "
            f"`{_line(asked, needed)}`", "rules",
        )  # fmt: skip
    return None


def usual(rule: ApprovalRule) -> list[str]:
    """The rules that stand in the way of anybody who would decide alone, for the button that opens the form."""
    slots = sum(count for _, count in rule.groups)
    return [*(["people"] if rule.people > 1 else []), *(["groups"] if slots > 1 else [])]


def in_the_way(rule: ApprovalRule, who: tuple[str, ...], asked: Approval, voter: Voter, tx: Tx) -> list[str]:
    """The rules that keep this one person from deciding alone: each fails when all others are set aside."""
    return [
        name
        for name in BREAKABLE
        if not _enough(rule.broken([other for other in BREAKABLE if other != name], who), asked, voter, tx)
    ]


def _enough(rule: ApprovalRule, asked: Approval, voter: Voter, tx: Tx) -> bool:
    yes = _Yes(voter.person)
    return tally(rule, [yes], {voter.person: voter}, barred=asked.barred, now=tx.now).satisfied


@dataclass(frozen=True)
class _Yes:
    person: str
    choice: str = "approve"
    proof: str | None = "asked for below"


def _voter(tx: Tx, actor: Person) -> Voter:
    person = str(actor.person)
    return people.voters_by_id(tx, [person], {person: (actor.account_kind, actor.account)})[person]


def _line(asked: Approval, named: Sequence[str]) -> str:
    return f"/playbook break-glass {asked.run} rules={','.join(filter(None, named))} code=… <reason>"


def _break(attempt: _Attempt, asked: Approval, method: str) -> Said:
    """The old request ends; the new one is granted to this person, for this effect, for minutes."""
    tx, run, actor = attempt.tx, attempt.run, attempt.actor
    section = attempt.engine.house.policy.approvals.break_glass
    made = _made(attempt, asked, section.expires)
    tx.conn.execute(insert_or(tx, approvals).values({**made.__dict__, "state": "open"}))
    tx.conn.execute(insert_or(tx, votes).values(_vote(attempt, made, method)))
    changes = Changes()
    changes.approvals[asked.id] = {"state": "void", "reason": "the glass was broken"}
    changes.event("approval.void", approval=asked.id, run=run.id, step=asked.idx, why="the glass was broken")
    changes.approvals[made.id] = {"state": "granted", "decided_at": tx.now}
    changes.event(
        "approval.broken", actor.person or "", approval=made.id, of=asked.id, run=run.id, step=asked.idx,
        person=actor.person, rules=list(attempt.rules), digest=made.digest, expires_at=made.expires_at,
        proof=method, via=attempt.via, texts={"reason": attempt.reason},
    )  # fmt: skip
    changes.event("approval.granted", approval=made.id, run=run.id, step=asked.idx,
                  steps=covered(made), by=[actor.person])  # fmt: skip
    for step in runs.steps_of(tx, run.id):
        if step.approval == asked.id and step.state in ("held", "pending"):  # of a stage: every step that is left
            changes.steps[step.idx] = {"approval": made.id}
    changes.run["ready_at"] = tx.now
    within = section.review_within.total_seconds()
    review = alone.open_review(tx, run, made, MODE, str(actor.person), within, changes)
    transition(tx, run, changes)
    rule = ApprovalRule.model_validate(asked.rule)
    text = _told(attempt, made, review.due_at)
    alone.tell(tx, attempt.engine.house, run, text, alone.everyone(tx, attempt.engine.house, run, rule))
    return Said(
        f"🔓 Glass broken: {made.plan['effect']}. Set aside: {_named(attempt.rules)}. It starts now, or not after "
        f"{made.expires_at:%H:%M:%S} UTC. Everyone who may approve is told; a second person reviews it by "
        f"{review.due_at:%d %b %H:%M} UTC."
    )


def _made(attempt: _Attempt, asked: Approval, expires: timedelta) -> Approval:
    """The same effect under the same rule, less what is set aside; its digest says so."""
    tx = attempt.tx
    until = tx.now + expires
    who = list(attempt.who or ApprovalRule.model_validate(asked.rule).from_)
    overrides: dict[str, Any] = {"rules": list(attempt.rules), "who": who, "of": asked.id}
    bound = {**asked.covers, "mode": MODE, "overrides": overrides, "expires_at": iso(until)}
    number = len(runs.approvals_of(tx, asked.run)) + 1
    return replace(
        asked, id=f"{asked.run}/{number}", digest=rules.digest(bound), covers=bound, state="granted",
        opened_at=tx.now, expires_at=until, decided_at=None, reason=None, paged=[], mode=MODE, overrides=overrides,
    )  # fmt: skip


def _vote(attempt: _Attempt, made: Approval, method: str) -> dict[str, Any]:
    actor = attempt.actor
    return {
        "approval": made.id, "person": actor.person, "choice": "approve", "proof": method,
        "account": f"{actor.account_kind}:{actor.account}", "via": attempt.via, "reason": attempt.reason,
        "believed_at": _voter(attempt.tx, actor).believed_at, "at": attempt.tx.now,
    }  # fmt: skip


def _told(attempt: _Attempt, made: Approval, due: Any) -> str:
    run = attempt.run
    left = words(made.expires_at - attempt.tx.now)
    who, why = alone.plain(attempt.actor.name), alone.plain(attempt.reason)
    return (
        f"🔓 {who} broke the glass for {run.incident or run.id}: {made.plan['effect']}. Set aside: "
        f"{_named(attempt.rules)}. Reason: {why} — It may start within {left}; who may approve can still stop "
        f"it: `/playbook deny {run.id}`. A second person must look at it by {due:%d %b %H:%M} UTC: `/playbook review "
        f"{run.id} accept` or `object <reason>`. {attempt.engine.house.url}"
    )[:3900]


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
