"""The approval card: exact effect, point of no return, the number that decides, who may say yes (story.md, 14:07).

Belongs here: its facts and buttons. Does not belong here: who is eligible (engine/approvals.py decides on rows; the
card only shows it). Buttons carry the first twelve digits of the digest: on a card that was replaced they are dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.render.blocks import Drawn, buttons, context, drawn, escape, hms, person
from bot.render.facts import Around, names
from commands.command import Button
from commands.fields import line_of
from commands.playbook import break_glass
from commands.playbook.plan import Plan
from playbooks.action import UNDOES, Risk
from playbooks.durations import words
from playbooks.engine.approvals import Candidates, Tally, join, short
from playbooks.engine.quorum import candidates, count, on_call_policy, rule_of
from playbooks.engine.spending import covered, spent
from playbooks.policy import ApprovalRule, Policy
from storage import reviews, runs
from storage.db import Tx
from storage.reviews import Review
from storage.runs import Approval, Run, Step, Vote
from storage.tables import runs as run_rows


@dataclass(frozen=True)
class ApprovalFacts:
    """An approval with its run, step and votes, where they stand, who could still vote. rehearsed: the last drill.

    review: of what one person decided alone.
    """

    asked: Approval
    run: Run
    step: Step
    votes: tuple[Vote, ...]
    tally: Tally
    able: Candidates
    rule: ApprovalRule
    rehearsed: datetime | None
    review: Review | None = None


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[ApprovalFacts, Around] | None:
    """The rows behind one approval."""
    asked = runs.approval(tx, subject)
    run = runs.get(tx, asked.run) if asked else None
    if asked is None or run is None:
        return None
    step = next(one for one in runs.steps_of(tx, run.id) if one.idx == asked.idx)
    votes = tuple(runs.votes_on(tx, asked.id))
    rule = rule_of(asked)
    able = candidates(tx, rule, asked.barred, on_call_policy(policy, run))
    review = reviews.of_approval(tx, subject)
    ids = [
        review.reviewed_by if review else None,
        run.requester,
        *asked.barred,
        *(vote.person for vote in votes),
        *(one.person for one in able.eligible),
    ]
    facts = ApprovalFacts(
        asked, run, step, votes, count(tx, asked, showing=True), able, rule, _rehearsed(tx, run), review
    )
    return facts, Around(policy, url, tx.now, names(tx, ids))


def _rehearsed(tx: Tx, run: Run) -> datetime | None:
    """When this very text last went through as a drill."""
    query = run_rows.select().with_only_columns(run_rows.c.ended_at)
    query = query.where(run_rows.c.digest == run.digest, run_rows.c.kind == "drill", run_rows.c.state == "succeeded")
    found: datetime | None = tx.conn.execute(query.order_by(run_rows.c.ended_at.desc()).limit(1)).scalar()
    return found


def draw(facts: ApprovalFacts, around: Around) -> Drawn:
    """The card. What is bound into the digest is shown word for word."""
    asked, run, plan = facts.asked, facts.run, facts.asked.plan
    where = f"{run.incident} · " if run.incident else f"{run.id} · "
    kind = f" · {run.kind.upper()}" if run.kind != "real" else ""
    head = f"🔐 *{where}{_what(facts)}*{kind} — asked by *{around.name(run.requester)}*, {around.at(asked.opened_at)}"
    warnings = " ".join(person(one, 300) for one in plan.get("warnings") or ())
    effect = f"{_effects(facts)} {warnings} {_no_return(facts)}"
    about = (
        f"site {escape(run.site or '—')} · playbook {escape(run.playbook)} · `{short(asked.digest)}` · "
        f"expires *{around.at(asked.expires_at)}* UTC"
    )
    lines = [f"{head}\n{effect}\n{_data(facts, around)}", f"{about}\n{_votes(facts, around)}"]
    if state := _ended(facts, around):
        lines.append(state)
    if facts.review is not None:
        lines.append(_review(facts.review, around))
    notes = [person(one, 300) for one in plan.get("notes") or ()]
    more = [context(" · ".join(notes))] if notes else []
    return drawn([*lines, *more, *buttons(answers(facts))], text=f"{head}: {_effect(facts)}")


def _effect(facts: ApprovalFacts) -> str:
    """Word for word, with an arrow people can read."""
    return person(str(facts.asked.plan.get("effect") or "").replace(" -> ", " → ").rstrip("."), 1200)


def _what(facts: ApprovalFacts) -> str:
    """`step 2 of 4 · aws.rds_failover`, or `steps 2, 3 and 4 of 6 · stage cutover`."""
    plan = facts.asked.plan
    of = f" of {plan['of']}" if plan.get("of") else ""
    if not plan.get("steps"):
        return f"step {facts.asked.idx}{of} · {escape(facts.step.uses)}"
    return f"steps {join([str(one['idx']) for one in plan['steps']])}{of} · stage {escape(plan['stage'])}"


def _effects(facts: ApprovalFacts) -> str:
    """The one effect; of a stage each step's in order, with what has begun and what an earlier step will say."""
    plan = facts.asked.plan
    if not plan.get("steps"):
        return f"*{_effect(facts)}.*"
    begun = plan.get("started", ())
    lines = []
    for one in plan["steps"]:
        effect = person(str(one["effect"]).replace(" -> ", " → ").rstrip("."), 600)
        mark = "✅" if one["idx"] in begun else "•"
        late = " _else it asks again_" if one["later"] else ""
        lines.append(f"{mark} {one['idx']} {escape(one['uses'])}: *{effect}.*{late}")
    return "\n".join([*lines, "One yes covers each of these once, in this order.\n"])


def _risk(facts: ApprovalFacts) -> int:
    return max([facts.step.risk, *(int(one["risk"]) for one in facts.asked.plan.get("steps") or ())])


def _no_return(facts: ApprovalFacts) -> str:
    """Whether it can be undone, from its risk and the action's own words."""
    undo = str(facts.asked.plan.get("undo") or "").rstrip(".")
    if facts.step.risk == Risk.CONTAIN:
        return "*Only closes access*; opening it again takes the full quorum."
    if _risk(facts) >= Risk.IRREVERSIBLE:
        return "*Point of no return: it cannot be undone.*"
    return f"*Point of no return* (recoverable{f': {person(undo, 200)}' if undo else ''})."


def _data(facts: ApprovalFacts, around: Around) -> str:
    plan = facts.asked.plan
    loss, seconds, rpo = str(plan.get("data_loss") or ""), plan.get("data_loss_s"), plan.get("rpo_s")
    lost = loss or (words(timedelta(seconds=seconds)) if seconds is not None else "not known")
    objective = f" of RPO {words(timedelta(seconds=rpo))}" if rpo is not None else ""
    over = " ⚠️ *more than the RPO*" if seconds is not None and rpo is not None and seconds > rpo else ""
    when = (
        f"last rehearsed {facts.rehearsed:%-d %b} with this text"
        if facts.rehearsed
        else "never rehearsed with this text"
    )
    if facts.step.risk == Risk.CONTAIN and not loss:
        return f"No data is lost · {when}"
    return f"Data lost if you go now: *{person(lost, 200)}*{objective}{over} · {when}"


def _votes(facts: ApprovalFacts, around: Around) -> str:
    """Who said yes, how many of how many, from where; who could still."""
    counted = [vote for vote in facts.votes if vote.choice == "approve" and vote.person in facts.tally.counted]
    said = ", ".join(f"*{around.name(vote.person)}* {around.at(vote.at)}" for vote in counted) or "—"
    needed = len(facts.tally.slots)
    line = f"Approved by: {said} ({len(counted)} of {needed} from {_from(facts.rule)})"
    if facts.asked.mode == "break-glass":
        return _glass(facts, around, said)
    if facts.asked.mode == "contain":
        line += " · one person is enough, with a one-time code; everyone is told and a second person reviews it"
    dropped = [around.name(person) for person in facts.tally.dropped]
    if dropped:
        line += f" · does not count any more: {', '.join(dropped)}"
    if facts.asked.state != "open":
        return line
    voted = {vote.person for vote in facts.votes}
    on_call = [one.person for one in facts.able.on_call if one.person not in voted]
    others = [one.person for one in facts.able.eligible if one.person not in voted and one.person not in on_call]
    paged = f" (called {around.at(facts.asked.opened_at)})" if facts.asked.paged else ""
    if on_call:
        line += f"\nOn call and eligible: {_names(on_call, around)}{paged}"
        line += f" · also eligible: {_names(others, around)}" if others else ""
    elif others:
        line += f"\nEligible, none of them known to be on call: {_names(others, around)}{paged}"
    if not facts.able.reachable:
        line += (
            f"\n⚠️ {person(facts.able.why_not, 400)} One person can break the glass, with a reason and a one-time code."
        )
    return line


def _glass(facts: ApprovalFacts, around: Around, who: str) -> str:
    """🔓 Glass broken by Ben 14:07: people set aside. “the only other approver is on a plane”"""
    aside = ", ".join((facts.asked.overrides or {}).get("rules") or ()) or "nothing"
    why = next((vote.reason for vote in facts.votes if vote.reason), "")
    return f"🔓 *Glass broken* by {who}, set aside: {escape(aside)}. “{person(why, 500)}”"


def _review(review: Review, around: Around) -> str:
    """Until when a second person must look at it, or what they said."""
    if review.state == "open":
        late = " ⏰ *overdue*" if around.now >= review.due_at else ""
        how = f"`/playbook review {review.run} accept`"
        return f"🔎 A second person reviews it by *{around.at(review.due_at)}* UTC: {how}{late}"
    mark = "✅" if review.state == "accepted" else "⚠️"
    why = f": {person(review.reason, 300)}" if review.reason else ""
    return (
        f"{mark} Review: *{review.state}* by *{around.name(review.reviewed_by)}* {around.at(review.reviewed_at)}{why}"
    )


def _names(people: list[str], around: Around) -> str:
    shown = ", ".join(f"*{around.name(one)}*" for one in people[:8])
    return f"{shown} and {len(people) - 8} more" if len(people) > 8 else shown


def _from(rule: ApprovalRule) -> str:
    named = [f"{number} of `@{escape(group)}`" for group, number in rule.groups]
    rest = [f"`@{escape(group)}`" if group != "everyone" else "full members" for group in rule.from_]
    all_ = named if named and rule.from_ == ("everyone",) else [*named, *rest]
    return ", ".join([*all_, *(["each with a one-time code (`/playbook mfa`)"] if rule.mfa else [])])


def _ended(facts: ApprovalFacts, around: Around) -> str:
    """What became of it, in place of the buttons."""
    asked, step = facts.asked, facts.step
    why = f": {person(asked.reason, 300)}" if asked.reason and asked.reason != "kept" else ""
    when = hms(asked.decided_at)
    if asked.state == "used":
        return f"✅ *started {hms(step.started_at)}* UTC"
    if asked.state == "granted":
        return "✅ *approved*, under way" if (asked.plan or {}).get("started") else "✅ *approved*, starting"
    begun = [str(idx) for idx in covered(asked) if spent(asked, idx)]
    rest = f"Step{'s' * (len(begun) > 1)} {join(begun)} of the stage began; the rest was not done"
    changed = rest if begun else "Nothing was changed"
    words = {
        "denied": f"⛔ *denied {when}*{why}. {changed}.",
        "expired": f"⌛ *expired {when}*{why}. {changed}; ask again with `/playbook retry {asked.run}`.",
        "void": f"⚪ *void since {when}*{why}. These votes count for nothing any more.",
    }
    return words.get(asked.state, "")


def answers(facts: ApprovalFacts) -> list[Button]:
    """Live only while it is open. A vote on a granted one can still be taken back by command."""
    if facts.asked.state != "open":
        return []
    bound, code = f"{facts.asked.run} {facts.asked.digest[:12]}", "code" if facts.rule.mfa else ""
    return [
        Button(label="Approve", line=f"playbook approve {bound}", style="primary", asks=code),
        Button(label="Deny", line=f"playbook deny {bound}", style="danger", asks="reason"),
        *([] if facts.run.playbook.startswith(UNDOES) else [Button(label="See plan", line=line_of(_plan(facts.run)))]),
        *([] if facts.able.reachable else [break_glass.button(facts.asked)]),
    ]


def _plan(run: Run) -> Plan:
    """The same playbook with the same inputs as a dry run, now."""
    given = {name: str(value) for name, value in run.inputs.items() if value not in (None, "")}
    return Plan(incident=run.incident or "", playbook=run.playbook, inputs=given)
