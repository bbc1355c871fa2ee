"""The sections of a post-mortem draft that say what happened: each sentence cites its events.

Belongs here: summary, severity, impact, roles, key times, what ran, updates, timeline. Does not belong here: lessons
and action items (post_mortem_lessons.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from playbooks.engine.post_mortem_story import TIMES, ApprovalStory, Moment, RunStory, StepStory, Story
from playbooks.engine.post_mortem_words import Facts, cite, clock, clock_s, people, plain, quote, say, span, table
from storage.timeline import Event
from storage.types import from_iso

YOURS = "*(yours)*"
MARKS = {"succeeded": "✅", "failed": "❌", "skipped": "⏭", "uncertain": "❓", "unknown": "❓"}
LONGEST = 400
# Machinery between two lines that people care about; the record has them, the draft does not repeat them.
NAMED = (
    "run",
    "step",
    "uses",
    "playbook",
    "role",
    "which",
    "from",
    "to",
    "status",
    "choice",
    "why",
    "what",
    "outcome",
    "followup",
)
MACHINE_TEXTS = frozenset({"outputs", "inputs", "params"})
QUIET = frozenset({"step.done", "step.parked", "step.resumed", "step.retrying", "card.told", "approval.kept"})


def summary(story: Story, facts: Facts) -> list[str]:
    """Impact, who declared, what was run and approved, how it ended; one paragraph."""
    said = [_impact(story, facts)] if _outage(story) else []
    for event in story.of("incident.declared"):
        severity = plain(str(event.body.get("severity") or facts.severity))
        said.append(say(f"{facts.name(event.actor)} declared {severity} at {clock(event.at)}", event.seq))
    for run in story.runs.values():
        if run.shown and run.requested:
            said.append(_run_in_short(run, facts))
    for event in story.of("incident.resolved", "incident.cancelled"):
        verb = event.type.removeprefix("incident.")
        words = event.text("resolution") or event.text("reason")
        tail = f": {quote(words)}" if words else ""
        said.append(say(f"{facts.name(event.actor)} {verb} it at {clock(event.at)}{tail}", event.seq))
    return [" ".join(said)]


def severity(story: Story, facts: Facts) -> list[str]:
    """Which severity and which disaster level since when, and why they changed."""
    rows = []
    for event in story.of("incident.declared", "incident.severity", "incident.level"):
        kind = "level " if event.type == "incident.level" else ""
        was = plain(f"{kind}{event.body['from']}" if event.body.get("from") else "—")
        now = event.body.get("to") or event.body.get("severity")
        to = plain(f"{kind}{now}" if now else "no disaster" if kind else "—")
        why = quote(event.text("reason") or event.text("title")) if event.texts else "—"
        rows.append([clock(event.at), was, to, facts.name(event.actor), why, cite([event.seq])])
    return table(["when", "from", "to", "who", "why", "event"], rows)


def impact(story: Story, facts: Facts) -> list[str]:
    """What is known of the impact, and the questions only people can answer."""
    known = [f"- {_impact(story, facts)}"] if _outage(story) else []
    known += [f"- {_said(event)}" for event in story.of("incident.impact")]
    asks = ("Who was affected, and how many?", "What could they not do?", "Was data lost or shown to others?",
            "What did it cost?")  # fmt: skip
    return [*known, *(f"- *({ask})*" for ask in asks)]


def _said(event: Event) -> str:
    """Users “12 % of checkouts”, from 13:59 [14]. As somebody said it."""
    words = [f"{name} {quote(event.text(name))}" for name in ("users", "revenue") if event.text(name)]
    words += [f"{key} {clock(from_iso(str(event.body[key])))}" for key in ("from", "to") if event.body.get(key)]
    words += [quote(event.text("text"))] if event.text("text") else []
    return f"Said: {', '.join(words)} {cite([event.seq])}."


def roles(story: Story, facts: Facts) -> list[str]:
    """Who wore which hat from when."""
    rows = []
    for event in story.of("incident.role"):
        role = str(event.body.get("role") or "")
        who = facts.name(event.body["person"]) if event.body.get("person") else "nobody"
        who += " (interim)" if event.body.get("interim") else ""
        rows.append([plain(facts.roles.get(role, role)), who, clock(event.at), cite([event.seq])])
    return table(["role", "who", "since", "event"], rows) if rows else ["*(nobody was given a role)*"]


def key_times(story: Story, facts: Facts) -> list[str]:
    """The six times, what lies between them, and the objectives."""
    cells, between = [], []
    before: Moment | None = None
    for name in TIMES:
        moment = story.times.get(name)
        cells.append(_time_cell(moment))
        between.append(_between(story, name, before, moment))
        before = moment or before
    lines = [
        *table(TIMES, [cells, *([between] if any(between) else [])]),
        "",
        f"- {_rto(story, facts)}",
        f"- {_rpo(story, facts)}",
    ]
    if (restored := story.times.get("restored")) and restored.inferred:
        words = "Nobody said when it was restored: the time is that of the last approved run's success"
        lines.append(f"- {say(words, *restored.seqs)}")
    return lines


def ran(story: Story, facts: Facts) -> list[str]:
    """Each run people saw with its steps and approvals; housekeeping runs in one line each."""
    lines: list[str] = []
    for run in story.runs.values():
        if not run.shown:
            continue
        lines += [f"### {plain(run.id)} `{run.playbook}`", "", _run_in_short(run, facts), ""]
        for approval in run.approvals.values():
            lines += _approval(approval, facts)
        lines += [f"- {_step(step)}" for _, step in sorted(run.steps.items())]
        lines.append("")
    quiet = [run for run in story.runs.values() if not run.shown and run.seqs]
    lines += [f"- {say(f'`{run.playbook}` {_ended(run)}', *run.seqs)}" for run in quiet]
    return lines or ["*(nothing was run)*"]


def left_behind(story: Story, facts: Facts) -> list[str]:
    """What runs changed that stays: who let it stay and why, and what nobody has said anything about."""
    lines = []
    for event in story.of("step.accepted"):
        what = f"Step {event.body.get('step')} `{event.body.get('uses')}` of {plain(str(event.body.get('run')))}"
        why = f": {quote(event.text('reason'))}" if event.text("reason") else ""
        lines.append(f"- {say(f'{what} was left behind, accepted by {facts.name(event.actor)}{why}', event.seq)}")
    for name, idx in facts.left:
        run = story.runs.get(name)
        step = run.steps.get(idx) if run else None
        what = f"Step {idx}{f' `{step.uses or step.id}`' if step else ''} of {plain(name)}"
        seqs = (step.seqs or [step.first]) if step else [run.first if run else story.first]
        lines.append(f"- {say(f'⚠️ {what} was neither taken back nor accepted', *seqs)}")
    return lines or ["*(nothing was left behind)*"]


def updates(story: Story, facts: Facts) -> list[str]:
    """What people were told, when, by whom."""
    lines = []
    for event in story.of("incident.update"):
        status = plain(str(event.body.get("status") or "update"))
        lines.append(
            f"- {say(f'{clock(event.at)}, {facts.name(event.actor)} ({status}): {quote(event.text())}', event.seq)}"
        )
    return lines or ["*(no update was sent)*"]


def timeline(story: Story, facts: Facts) -> list[str]:
    """The events in order, without machinery and without the steps of housekeeping that went well."""
    told = [event for event in story.events if event.type not in QUIET and not _housekeeping(story, event)]
    rows = [[_when(event), facts.name(event.actor), _what(event, facts), cite([event.seq])] for event in told[:LONGEST]]
    lines = table(["UTC", "who", "what", "event"], rows)
    if len(told) > LONGEST:
        left = f"{len(told) - LONGEST} more events are in the export"
        lines += ["", say(left, told[LONGEST].seq, told[-1].seq)]
    return lines


# --- pieces ---------------------------------------------------------------------------------------------------------


def outage(story: Story) -> tuple[Moment, Moment] | None:
    """From detection (else declaration) to restoration; None while either is not known."""
    return _outage(story) if "restored" in story.times else None


def _outage(story: Story) -> tuple[Moment, Moment] | None:
    begun = story.times.get("detected") or story.times.get("declared")
    over = story.times.get("restored") or story.times.get("resolved")
    return (begun, over) if begun and over else None


def _impact(story: Story, facts: Facts) -> str:
    found = _outage(story)
    assert found is not None
    begun, over = found
    length = span(over.at - begun.at)
    until = "" if "restored" in story.times else " (until it was resolved: nobody said when it was restored)"
    words = f"{facts.what} was affected from {begun.at:%H:%M} to {clock(over.at)} ({length}){until}"
    return say(words, *begun.seqs, *over.seqs)


def _run_in_short(run: RunStory, facts: Facts) -> str:
    begun = run.started or run.requested
    when = f" at {clock_s(begun.at)} UTC" if begun else ""
    asked = f", asked for by {facts.name(run.requester)}" if run.requester else ""
    voters = list(dict.fromkeys(vote.person for one in run.granted for vote in one.approvers))
    approved = f", approved by {people([facts.name(person) for person in voters])}" if voters else ""
    seqs = [*run.seqs, *(seq for one in run.granted for seq in one.seqs)] or [run.first]
    return say(f"`{run.playbook}` was run{when}{asked}{approved}, and {_ended(run)}", *seqs)


def _ended(run: RunStory) -> str:
    if not run.ended:
        return "has not ended"
    took = f" after {span(run.ended.at - run.started.at)}" if run.started else ""
    return {"succeeded": "succeeded", "failed": "failed", "aborted": "was aborted"}.get(run.outcome, run.outcome) + took


def _approval(one: ApprovalStory, facts: Facts) -> list[str]:
    lines = []
    if seqs := one.seqs or ([one.first] if not one.votes else []):
        who = people([f"{facts.name(vote.person)} ({clock_s(vote.at)})" for vote in one.approvers])
        waited = f", {span(one.waited)} after it was asked for" if one.waited is not None else ""
        outcome = {"granted": f"was approved by {who}", "void": "became void", "": "is open"}.get(one.outcome)
        outcome = outcome or f"was not approved ({one.outcome})"
        lines.append(f"- {say(f'{quote(one.effect)} {outcome}{waited}', *seqs)}")
    for vote in one.refused:
        words = f"{facts.name(vote.person)} said {vote.choice or 'something'}, which did not count ({plain(vote.why)})"
        lines.append(f"- {say(words, vote.seq)}")
    return lines


def _step(step: StepStory) -> str:
    outcome = step.outcome or "has not ended"
    took = f" in {span(step.took)}" if step.took is not None else ""
    tries = f", attempt {step.attempts}" if step.attempts > 1 else ""
    words = f": {quote(step.words)}" if step.words else ""
    looked = f" (its outcome was unknown; looking said {quote(step.reconciled)})" if step.reconciled else ""
    mark = MARKS.get(step.outcome, "○")
    text = f"{mark} {step.idx} `{step.uses or step.id}` {outcome}{took}{tries}{words}{looked}"
    return say(text, *(step.seqs or [step.first]))


def _time_cell(moment: Moment | None) -> str:
    if moment is None:
        return "*unknown*"
    return f"{moment.at:%H:%M}{' (inferred)' if moment.inferred else ''} {cite(moment.seqs)}"


def _between(story: Story, name: str, before: Moment | None, moment: Moment | None) -> str:
    if before is None or moment is None:
        return ""
    length = moment.at - before.at
    text = f"+{span(length)}" if length >= timedelta() else "*earlier*"
    if name == "decided":
        waited = next((one for _, one in story.approvals if one.decided == moment), None)
        if waited and waited.waited is not None:
            text += f", of which **waiting for approval {span(waited.waited)}**"
            return f"{text} {cite([*before.seqs, *waited.seqs])}"
    return f"{text} {cite([*before.seqs, *moment.seqs])}"


def _rto(story: Story, facts: Facts) -> str:
    found = outage(story)
    if facts.rto_s is None:
        return say("RTO: none is agreed for this", story.first)
    agreed = timedelta(seconds=facts.rto_s)
    if found is None:
        return say(f"RTO: *unknown* of {span(agreed)}, since nobody said when it was restored", story.first)
    length = found[1].at - found[0].at
    verdict = "met ✅" if length <= agreed else f"missed by {span(length - agreed)} ❌"
    guess = " (the time of restoration is inferred)" if found[1].inferred else ""
    return say(f"RTO: {span(length)} of {span(agreed)}, {verdict}{guess}", *found[0].seqs, *found[1].seqs)


def _rpo(story: Story, facts: Facts) -> str:
    if facts.rpo_s is None:
        return say("RPO: none is agreed for this", story.first)
    agreed = span(timedelta(seconds=facts.rpo_s))
    if measured := _measured(story):
        seq, lost = measured
        verdict = "met ✅" if lost <= facts.rpo_s else "missed ❌"
        return say(f"RPO: {span(timedelta(seconds=lost))} lost, measured, of {agreed}, {verdict}", seq)
    for _, one in story.approvals:
        if one.data_loss and one.requested:
            expected = f"expected before going: {quote(one.data_loss)}"
            return say(f"RPO: *not measured* of {agreed}; {expected}", *one.requested.seqs)
    return say(f"RPO: *unknown* of {agreed}, since nothing measured it", story.first)


def _measured(story: Story) -> tuple[int, float] | None:
    """The last data loss a step measured: output `data_loss_s`."""
    for event in reversed(story.of("step.done")):
        outputs = _outputs(event)
        lost = outputs.get("data_loss_s")
        if isinstance(lost, (int, float)) and not isinstance(lost, bool):
            return event.seq, float(lost)
    return None


def _outputs(event: Event) -> Mapping[str, Any]:
    found: Any = event.body.get("outputs")
    if found is None and event.texts.get("outputs"):
        try:
            found = json.loads(event.text("outputs"))
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def _housekeeping(story: Story, event: Event) -> bool:
    run = story.runs.get(str(event.body.get("run") or ""))
    return run is not None and not run.shown and event.type in ("step.started", "step.succeeded")


def _when(event: Event) -> str:
    if clock_s(event.when) != clock_s(event.at):
        return f"{clock_s(event.when)} (written {clock_s(event.at)})"
    return clock_s(event.at)


def _what(event: Event, facts: Facts) -> str:
    """One line for any event: its type in words, what it is about, what was typed."""
    kind = plain(event.type.replace(".", " ").replace("_", " "))
    about = [plain(str(event.body[name])) for name in NAMED if event.body.get(name) not in (None, "")]
    if event.body.get("person"):
        about.append(facts.name(event.body["person"]))
    typed = [quote(event.text(name), 160) for name in sorted(event.texts) if name not in MACHINE_TEXTS]
    return f"{kind}{': ' if about else ''}{', '.join(about)}{' — ' if typed else ''}{' '.join(typed)}"
