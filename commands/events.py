"""Timeline events in one line each, for people.

Belongs here: the words per type. Does not belong here: reading events, paging, the post-mortem's own sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from commands.words import clock, cut, esc, safe
from storage.timeline import Event

Names = Callable[[str], str]

_PLAIN = {
    "incident.declared": "declared {severity}: {text:title}",
    "incident.severity": "changed the severity from {from} to {to} {text:reason}",
    "incident.note": "noted: {text:text}",
    "alert.joined": "alerts joined ({firing} firing): {text:title} {text:url}",
    "alert.fired": "its alerts fire again ({firing} firing)",
    "alert.resolved": "its alerts have ended",
    "capture.edited": "edited the message of event {event}: {text:text}",
    "capture.removed": "took the message of event {event} back",
    "capture.deleted": "the message of event {event} was deleted",
    "incident.time": "said: {which} at {when}",
    "incident.status": "moved the status from {from} to {to} {text:reason}",
    "incident.impact": "said who is hit: {text:users} {text:revenue} {text:text}",
    "incident.eta": "expects it to be over at {at} {text:reason}",
    "incident.service": "{change} service {service}",
    "incident.update": "sent an update ({status}): {text:text}",
    "incident.letter": "wrote to {to}: {text:subject}",
    "postmortem.edited": "wrote {section} of the post-mortem",
    "public.proposed": "asked a second person to publish ({what}): {text:subject} {text:text}",
    "public.released": "let the words of event {proposal} be published",
    "incident.acknowledged": "page acknowledged",
    "incident.resolved": "resolved it {text:resolution}",
    "incident.cancelled": "cancelled it: {text:reason}",
    "incident.linked": "put a link on it: {text:title} {text:url}",
    "incident.related": "said that it is {kind} {other}",
    "incident.subscribed": "follows it",
    "incident.unsubscribed": "follows it no more",
    "incident.private": "made it private {text:reason}",
    "incident.closed": "closed it: nothing is left to do",
    "incident.reopened": "opened it again: {text:reason}",
    "todo.added": "added task {task}: {text:what}",
    "todo.changed": "gave task {task} to somebody, or another time",
    "todo.done": "did task {task}",
    "text.redacted": "had the words of event {event} erased: {text:reason}",
    "hold.placed": "had this timeline put on hold: {text:reason}",
    "hold.released": "had the hold on this timeline ended: {text:reason}",
    "clock.overdue": "nobody did in time: {what}",
    "clock.started": "started the clock of {clock}, due {due_at}: {text:reason}",
    "clock.corrected": "corrected the clock of {clock}, due {due_at}: {text:reason}",
    "clock.notified": "said that the notice of {clock} was given {text:reference}",
    "clock.snoozed": "put off the reminders about {what} until {until}",
    "card.told": "showed the {kind}",
    "run.requested": "asked for {playbook} ({run})",
    "run.started": "started {run} {playbook}",
    "run.paused": "paused {run}: {reason}",
    "run.resumed": "resumed {run}",
    "run.ended": "{run} {playbook} ended: {outcome}",
    "step.started": "{run} step {step} {uses} started",
    "step.done": "{run} step {step} {uses} done",
    "step.succeeded": "{run} step {step} {uses}: {text:said}",
    "step.failed": "{run} step {step} {uses} failed: {text:error}",
    "step.skipped": "{run} step {step} {uses} skipped: {text:reason}",
    "step.unknown": "{run} step {step} {uses}: outcome unknown",
    "step.retrying": "{run} step {step} {uses} tries again: {text:error}",
    "step.undo_asked": "step {step} {uses} of {run} is taken back by {by}",
    "step.accepted": "what step {step} {uses} of {run} changed stays",
    "approval.denied": "denied {run} step {step}",
    "approval.revoked": "withdrew an approval of {run} step {step}",
}


def say(event: Event, names: Names) -> str:
    """*Ana* declared sev1: checkout is down"""
    actor = event.actor
    who = "" if actor == "muster" else f"*{esc(names(actor) if actor.startswith('P-') else actor)}* "
    return f"{who}{_what(event, names)}".strip()


def _what(event: Event, names: Names) -> str:
    if event.type == "capture.kept":
        return _captured(event, names)
    if event.type == "incident.role":
        return _role(event, names)
    if event.type == "approval.voted":
        counted = "" if event.body.get("counted") else f" (not counted: {esc(str(event.body.get('why') or ''))})"
        return f"voted {event.body.get('choice')} on {event.body.get('run')} step {event.body.get('step')}{counted}"
    if event.type == "incident.acknowledged" and event.body.get("person"):
        return f"page acknowledged by *{esc(names(str(event.body['person'])))}*"
    if event.type in ("approval.requested", "approval.granted"):
        return _approval(event)
    if event.type == "step.started" and event.body.get("approval"):
        return f"{_fill(_PLAIN[event.type], event)}, approved by {esc(str(event.body['approval']))}"
    template = _PLAIN.get(event.type)
    if template is None:
        texts = [event.text(name) for name in ("said", "error", "reason", "text") if name in event.texts]
        return safe(" ".join([event.type, *texts]))
    return _fill(template, event)


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


def _role(event: Event, names: Names) -> str:
    person = event.body.get("person")
    if not person:
        return f"took the role {event.body.get('role')} back; nobody has it"
    interim = " (interim)" if event.body.get("interim") else ""
    note = f": {esc(' '.join(event.text('note').split()))}" if "note" in event.texts else ""
    return f"*{esc(names(str(person)))}* is {event.body.get('role')}{interim}{note}"


def _fill(template: str, event: Event) -> str:
    def put(match: re.Match[str]) -> str:
        name = match[1]
        key = name.removeprefix("text:")
        value = event.text(key) if name.startswith("text:") else str(event.body.get(key) or "")
        return esc(" ".join(value.split()))

    return re.sub(r"\{([a-z_:]+)\}", put, template).strip()
