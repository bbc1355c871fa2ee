"""Timeline events in one line each, for people.

Belongs here: the words per type. Does not belong here: reading events, paging, the post-mortem's own sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from commands.words import clock, cut, esc, safe
from storage.timeline import Event

Names = Callable[[str], str]

_PLAIN = {
    "incident.declared": "declared {severity}: {text:title}",
    "incident.severity": "changed the severity from {from} to {to}: {text:reason}",
    "incident.note": "noted: {text:text}",
    "alert.joined": "alerts joined ({firing} firing): {text:title} {text:url}",
    "alert.fired": "told that its alerts fire again ({firing} firing)",
    "alert.resolved": "told that its alerts have ended",
    "alert.escalated": "told that the page went to the next layer",
    "capture.edited": "edited the message of event {event}: {text:text}",
    "capture.removed": "took the message of event {event} back",
    "capture.deleted": "the message of event {event} was deleted",
    "incident.status": "moved the status from {from} to {to}: {text:reason}",
    "incident.impact": "said who is hit: {text:users} {text:revenue} {text:text}",
    "incident.eta": "expects it to be over at {time:at}: {text:reason}",
    "incident.service": "{change} service {service}",
    "incident.update": "sent an update ({status}): {text:text}",
    "incident.letter": "wrote to {to}: {text:subject}",
    "postmortem.edited": "wrote {section} of the post-mortem",
    "public.proposed": "asked a second person to publish ({what}): {text:subject} {text:text}",
    "public.released": "let the words of event {proposal} be published",
    "incident.acknowledged": "told that the page was acknowledged",
    "incident.resolved": "resolved it: {text:resolution}",
    "incident.cancelled": "cancelled it: {text:reason}",
    "incident.linked": "put a link on it: {text:title} {text:url}",
    "incident.related": "said that it is {kind} {other}",
    "incident.subscribed": "follows it",
    "incident.unsubscribed": "follows it no more",
    "incident.private": "made it private: {text:reason}",
    "incident.closed": "closed it: nothing is left to do",
    "incident.reopened": "opened it again: {text:reason}",
    "todo.added": "added task {task}: {text:what}",
    "todo.changed": "gave task {task} to somebody, or another time",
    "todo.done": "did task {task}",
    "text.redacted": "had the words of event {event} erased: {text:reason}",
    "hold.placed": "had this timeline put on hold: {text:reason}",
    "hold.released": "had the hold on this timeline ended: {text:reason}",
    "clock.overdue": "nobody did in time: {what}",
    "clock.started": "started the clock of {clock}, due {time:due_at}: {text:reason}",
    "clock.corrected": "corrected the clock of {clock}, due {time:due_at}: {text:reason}",
    "clock.notified": "said that the notice of {clock} was given {text:reference}",
    "clock.snoozed": "put off the reminders about {what} until {time:until}",
    "followup.added": "added follow-up {followup} of {who:owner}, due {time:due_at}: {text:what}",
    "followup.changed": "gave follow-up {followup} to {who:owner}, due {time:due_at}: {text:reason}",
    "followup.done": "did follow-up {followup}: {text:reason}",
    "followup.ticketed": "follow-up {followup} is {ticket} in Jira",
    "followup.lost": "Jira does not show {ticket} of follow-up {followup} any more",
    "triage.opened": "alerts came in ({triage}): {text:title} {text:url}",
    "triage.dismissed": "said that {triage} needs no incident: {text:reason}",
    "stream.anchored": "the timeline is anchored at event {seq}",
    "export.made": "took a copy away: {what} as {format}",
    "service.moved": "{service} runs at {site} now (was {was})",
    "card.told": "showed the {kind}",
    "run.requested": "asked for {playbook} ({run})",
    "run.started": "started {run} {playbook}",
    "run.paused": "paused {run}: {reason}",
    "run.resumed": "resumed {run}",
    "run.ended": "{run} {playbook} ended: {outcome}",
    "run.abort_asked": "asked to end {run}: {text:reason}",
    "run.pause_asked": "asked {run} to start nothing new: {text:reason}",
    "step.started": "{run} step {step} {uses} started",
    "step.done": "{run} step {step} {uses} done",
    "step.succeeded": "{run} step {step} {uses}: {text:said}",
    "step.failed": "{run} step {step} {uses} failed: {text:error}",
    "step.skipped": "{run} step {step} {uses} skipped: {text:reason}",
    "step.unknown": "{run} step {step} {uses}: outcome unknown",
    "step.retrying": "{run} step {step} {uses} tries again: {text:error}",
    "step.undo_asked": "step {step} {uses} of {run} is taken back by {by}",
    "step.parked": "{run} step {step} {uses} waits until {time:until}",
    "step.resumed": "{run} step {step} {uses} goes on",
    "step.asked": "{run} step {step} {uses} asks people",
    "step.answered": "answered step {step} of {run}: {text:choice} {text:text}",
    "step.filled_in": "filled in step {step} of {run}",
    "step.escalated": "{run} step {step}: nobody answered, others are asked too",
    "step.reconciled": "looked what became of {run} step {step} {uses}: {text:evidence}",
    "step.retry_asked": "asked for step {step} {uses} of {run} again: {text:reason}",
    "step.uncertain": "{run} step {step} {uses}: whether it happened is not known",
    "step.accepted": "what step {step} {uses} of {run} changed stays",
    "approval.denied": "denied {run} step {step}",
    "approval.expired": "nobody approved {run} step {step} in time: {why}",
    "approval.escalated": "approval of {run} step {step}: more people were called",
    "approval.unreachable": "approval of {run} step {step}: too few people can give it",
    "approval.void": "the votes on {run} step {step} count no more: {why}",
    "approval.broken": "broke the glass for {run} step {step}, alone: {text:reason}",
    "review.opened": "what one person decided on {run} waits for a second one until {time:due_at}",
    "review.done": "looked at what one person decided on {run}: {state} {text:reason}",
    "review.overdue": "nobody looked in time at what one person decided on {run}",
    "approval.revoked": "withdrew an approval of {run} step {step}",
}


def say(event: Event, names: Names) -> str:
    """*Ana* declared sev1: checkout is down"""
    actor = event.actor
    if event.type in ("incident.role", "incident.acknowledged") and (person := event.body.get("person")):
        return _theirs(event, f"*{esc(names(str(person)))}*", names)
    who = "" if actor == "muster" else f"*{esc(names(actor) if actor.startswith('P-') else actor)}* "
    return f"{who}{_what(event, names)}".strip()


def _what(event: Event, names: Names) -> str:
    if event.type == "capture.kept":
        return _captured(event, names)
    if event.type == "incident.role":
        return f"took the role {event.body.get('role')} back; nobody has it"
    if event.type == "incident.level":
        level = event.body.get("to")
        said = f"declared the disaster level {level}" if level else "lifted the disaster level"
        return _fill(f"{esc(said)}: {{text:reason}}", event, names)
    if event.type == "incident.time":
        return _time(event)
    if event.type == "approval.voted":
        counted = "" if event.body.get("counted") else f" (not counted: {esc(str(event.body.get('why') or ''))})"
        return f"voted {event.body.get('choice')} on {event.body.get('run')} step {event.body.get('step')}{counted}"
    if event.type in ("approval.requested", "approval.granted"):
        return _approval(event)
    if event.type == "step.started" and event.body.get("approval"):
        return f"{_fill(_PLAIN[event.type], event, names)}, approved by {esc(str(event.body['approval']))}"
    template = _PLAIN.get(event.type)
    if template is None:
        texts = [event.text(name) for name in ("said", "error", "reason", "text") if name in event.texts]
        return safe(" ".join([event.type, *texts]))
    return _fill(template, event, names)


def _captured(event: Event, names: Names) -> str:
    """put a message of *Ben* from 14:05 here: “writes fail” https://…"""
    author = event.body.get("author")
    known = names(str(author)) if author else event.text("author")
    of = f" of *{esc(known)}*" if known else ""
    words = f"“{esc(cut(' '.join(event.text().split()), 300))}” " if "text" in event.texts else ""
    files = f" {esc(' '.join(event.text('files').split()))}" if event.text("files") else ""
    return f"put a message{of} from {clock(event.when)} UTC here: {words}{esc(event.text('link'))}{files}"


def _approval(event: Event) -> str:
    """asked for approval INC-42/2/1 of INC-42/2 steps 2 and 4"""
    body = event.body
    steps = [str(idx) for idx in body.get("steps") or (body.get("step"),)]
    named = f"steps {', '.join(steps[:-1])} and {steps[-1]}" if len(steps) > 1 else f"step {steps[0]}"
    what = f"approval {body.get('approval')} of {body.get('run')} {named}"
    return esc(f"asked for {what}" if event.type == "approval.requested" else f"{what} is granted")


def _theirs(event: Event, person: str, names: Names) -> str:
    """*Chi* is commander: the replica is behind · by *Ben* / *Ben* acknowledged the page (pagerduty)"""
    body, actor = event.body, event.actor
    if event.type == "incident.acknowledged":
        return f"{person} acknowledged the page ({esc(actor)})"
    by = f" · by *{esc(names(actor))}*" if actor.startswith("P-") and actor != body["person"] else ""
    interim = " (interim)" if event.body.get("interim") else ""
    note = f": {esc(' '.join(event.text('note').split()))}" if "note" in event.texts else ""
    return f"{person} is {body.get('role')}{interim}{note}{by}"


def _time(event: Event) -> str:
    """said: restored at 14:11 UTC"""
    return f"said: {esc(str(event.body.get('which')))} at {_moment(event, 'when')}"


def _moment(event: Event, key: str) -> str:
    """A time of the body, with its day where that is not the event's; as it stands where it is none."""
    said = str(event.body.get(key) or "")
    try:
        return f"{clock(datetime.fromisoformat(said), event.when)} UTC"
    except ValueError:
        return said


def _fill(template: str, event: Event, names: Names) -> str:
    """`{key}` of the body, `{text:key}` of the texts, `{who:key}` a person, `{time:key}` a time. What nobody
    said leaves no colon behind."""

    def put(match: re.Match[str]) -> str:
        how, _, key = match[1].rpartition(":")
        if how == "time":
            return esc(_moment(event, key))
        if how == "who":
            return f"*{esc(names(str(event.body.get(key) or '')))}*"
        value = event.text(key) if how == "text" else str(event.body.get(key) or "")
        return esc(" ".join(value.split()))

    return re.sub(r"\{([a-z_:]+)\}", put, template).strip().removesuffix(":")
