"""The sections of a post-mortem draft that people finish: whys, factors, what went well or wrong, luck, action items.

Belongs here: candidate lines, each citing the events that suggest it. Does not belong here: what happened
(post_mortem_parts.py), blame: lines name steps, clocks and rules, never a person as a cause.
"""

from __future__ import annotations

from datetime import timedelta

from playbooks.engine.post_mortem_parts import YOURS, outage
from playbooks.engine.post_mortem_story import StepStory, Story
from playbooks.engine.post_mortem_words import Facts, cite, clock, plain, quote, say, span, table

NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}


def whys(story: Story, facts: Facts) -> list[str]:
    """The first from what was seen first, the others for people."""
    known = ""
    for event in story.of("incident.declared"):
        known = say(
            f"What was said first, at {clock(event.at)}: {quote(event.text('title') or facts.title)}", event.seq
        )
    for run, step in story.steps:
        if run.shown and step.outcome == "succeeded" and step.words:
            known += " " + say(f"What `{step.uses}` saw first: {quote(step.words)}", *step.seqs)
            break
    return [f"1. Why was {facts.what} down? {known.strip() or YOURS}", *(f"{n}. Why? {YOURS}" for n in range(2, 6))]


def factors(story: Story, facts: Facts) -> list[str]:
    """Candidates for what made it possible or longer: waits, retries, clocks; never a person."""
    lines = []
    for run, one in story.approvals:
        if one.outcome == "granted" and one.waited is not None and one.waited > timedelta(minutes=5):
            lines.append(say(f"`{run.playbook}` waited {span(one.waited)} for approval", *one.seqs))
    for run, step in story.steps:
        if run.shown and step.attempts > 1:
            lines.append(say(f"`{step.uses}` had to be tried {step.attempts} times", *step.seqs, step.first))
        elif run.shown and step.outcome in ("failed", "uncertain"):
            lines.append(say(f"`{step.uses}` {_bad(step)}, which kept `{run.playbook}` waiting", *step.seqs))
    return _list([*lines, *_late(story, facts)])


def well(story: Story, facts: Facts) -> list[str]:
    """Candidates for what went well."""
    lines = []
    for _, one in story.approvals:
        if one.outcome == "granted" and one.waited is not None and one.approvers:
            count = len(one.approvers)
            word = NUMBERS.get(count, str(count))
            lines.append(say(f"{word} approval{'s' if count > 1 else ''} took {span(one.waited)}", *one.seqs))
    if (acked := _acknowledged(story)) and facts.acknowledge_within_s is not None:
        length, seqs = acked
        if length.total_seconds() <= facts.acknowledge_within_s:
            agreed = span(timedelta(seconds=facts.acknowledge_within_s))
            lines.append(say(f"The page was acknowledged in {span(length)}, {agreed} were agreed", *seqs))
    if (found := outage(story)) and facts.rto_s is not None:
        length = found[1].at - found[0].at
        if length.total_seconds() <= facts.rto_s:
            lines.append(say(f"The RTO was met with {span(length)}", *found[0].seqs, *found[1].seqs))
    for run in story.runs.values():
        clean = run.shown and run.outcome == "succeeded" and not run.pauses and run.ended
        if clean and all(step.attempts == 1 and not step.was_unknown for step in run.steps.values()):
            lines.append(say(f"`{run.playbook}` succeeded at the first try", *run.seqs))
    return _list(lines)


def wrong(story: Story, facts: Facts) -> list[str]:
    """Candidates for what went wrong."""
    lines = []
    for _, step in story.steps:
        if step.outcome in ("failed", "uncertain"):
            words = f": {quote(step.words)}" if step.words else ""
            lines.append(say(f"`{step.uses}` {_bad(step)}{words}", *step.seqs))
        elif step.attempts > 1:
            lines.append(say(f"`{step.uses}` needed {step.attempts} attempts", *step.failures, *step.seqs, step.first))
    lines += [say(f"The clock for {_clock_name(event.body)} ran out", event.seq) for event in story.of("clock.overdue")]
    for _, one in story.approvals:
        if one.outcome in ("denied", "expired", "void") and one.decided:
            lines.append(say(f"An approval ended as {one.outcome}: {quote(one.effect)}", *one.seqs))
    for event in story.of("approval.unreachable"):
        lines.append(say("The quorum could not be reached when it was asked for", event.seq))
    lines += _late(story, facts)
    return _list(lines)


def lucky(story: Story, facts: Facts) -> list[str]:
    """Candidates for luck: what turned out well without anybody having made sure of it."""
    lines = []
    for _, step in story.steps:
        if step.was_unknown and step.outcome == "succeeded":
            lines.append(say(f"The outcome of `{step.uses}` was lost, and it turned out to have happened", *step.seqs))
    detected, declared = story.times.get("detected"), story.times.get("declared")
    if detected and declared and declared.at - detected.at > timedelta(minutes=5):
        length = span(declared.at - detected.at)
        lines.append(say(f"{length} passed between detection and declaration", *detected.seqs, *declared.seqs))
    return _list(lines)


def actions(story: Story, facts: Facts) -> list[str]:
    """Suggested follow-ups as a table people complete with owner and date."""
    rows: list[tuple[str, list[int]]] = []
    for run, step in story.steps:
        if step.outcome in ("failed", "uncertain"):
            rows.append((f"Find out why `{step.uses}` {_bad(step)} in `{run.playbook}`", step.seqs))
        if step.was_unknown:
            rows.append((f"Make the outcome of `{step.uses}` visible from outside", [*step.seqs, step.was_unknown]))
        if step.outcome == "skipped" and run.shown:
            rows.append((f"Do or drop what was skipped: `{step.uses}` in `{run.playbook}`", step.seqs))
    overdue = [event.seq for event in story.of("clock.overdue")]
    if overdue:
        rows.append(("Agree on who keeps the clocks for updates and acknowledgement", overdue))
    if (missed := _missed(story, facts)) is not None:
        rows.append((f"Bring recovery of {facts.what} below its RTO", missed))
    slow = [one for _, one in story.approvals if one.outcome in ("expired",) and one.seqs]
    rows += [("Make sure that approvers can be reached", one.seqs) for one in slow]
    if not rows:
        return ["*(none suggested by the timeline; add yours)*"]
    unique = dict(reversed(rows))
    return table(["what", "owner", "due", "because of"],
                 [[text, YOURS, YOURS, cite(seqs)] for text, seqs in reversed(unique.items())])  # fmt: skip


def suggested(lines: list[str]) -> int:
    """How many follow-ups `actions` suggests."""
    return max(0, len(lines) - 2)


def _list(lines: list[str]) -> list[str]:
    return [*(f"- {line}" for line in dict.fromkeys(lines)), f"- {YOURS}"]


def _bad(step: StepStory) -> str:
    return "ended with an unknown outcome" if step.outcome == "uncertain" else "failed"


def _clock_name(body: dict[str, object]) -> str:
    what = str(body.get("what") or "something")
    known = {"update": "the next update", "acknowledge": "acknowledgement", "customer_mail": "mail to customers"}
    return known.get(what, plain(what))


def _acknowledged(story: Story) -> tuple[timedelta, tuple[int, ...]] | None:
    declared, acked = story.times.get("declared"), story.times.get("acknowledged")
    return (acked.at - declared.at, (*declared.seqs, *acked.seqs)) if declared and acked else None


def _late(story: Story, facts: Facts) -> list[str]:
    lines = []
    if (acked := _acknowledged(story)) and facts.acknowledge_within_s is not None:
        length, seqs = acked
        if length.total_seconds() > facts.acknowledge_within_s:
            agreed = span(timedelta(seconds=facts.acknowledge_within_s))
            lines.append(say(f"The page was acknowledged only after {span(length)}, {agreed} were agreed", *seqs))
    if (missed := _missed(story, facts)) is not None:
        lines.append(say("The RTO was missed", *missed))
    return lines


def _missed(story: Story, facts: Facts) -> list[int] | None:
    found = outage(story)
    if found is None or facts.rto_s is None or (found[1].at - found[0].at).total_seconds() <= facts.rto_s:
        return None
    return [*found[0].seqs, *found[1].seqs]
