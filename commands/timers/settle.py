"""One line when what a command set off is settled, or after ten seconds: what happened, what did not, what to do.

Looks at the run's rows and events every second or so; says once how things stand, and once more when they end later.
Belongs here: that line. Does not belong here: the run itself (playbooks/engine), its card (bot/render).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from commands.by_hand import instead_of
from commands.command import Button, Reply
from commands.house import House
from commands.places import going_on
from commands.words import lines, safe
from storage import inbox, incidents, replies, runs, timeline, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident
from storage.runs import Run, Step

SOON, LATEST = timedelta(seconds=1), timedelta(seconds=10)
SLOW, GIVE_UP = timedelta(seconds=5), timedelta(minutes=15)
BAD = frozenset({"failed", "uncertain", "unknown"})
ENDED_WELL = frozenset({"succeeded", "skipped"})
HOUSEKEEPING = frozenset({"slack.set_topic", "pagerduty.link"})  # done beside what people wait for; its failure is told


def arm(tx: Tx, run: str, *, asked: str = "", quiet: bool = False) -> None:
    """Have the asker of this run told how it went; asked: the key of a later ask that set it going once more.

    quiet: only what failed is told, where the first answer has said already what happens.
    """
    timers.set(tx, "settle", run, tx.now + SOON, _payload(asked, quiet))


def _payload(asked: str, quiet: bool) -> dict[str, Any]:
    return {**({"asked": asked} if asked else {}), **({"quiet": True} if quiet else {})}


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: the run. The engine may pull the timer forward when the run ends."""
    run = runs.get(tx, subject)
    again = str(ask.values.get("asked") or "")
    asked = inbox.get(tx, again or (run.ask or "")) if run is not None else None
    if run is None or asked is None:
        return
    age = tx.now - ((asked.received_at if again else None) or run.created_at)
    over, quiet = not going_on(run) or run.state == "paused", bool(ask.values.get("quiet"))
    if over:
        _tell(tx, house, run, "settled", asked, quiet)
    elif age >= LATEST:
        _tell(tx, house, run, "after10s", asked, quiet)
    if not over and age < GIVE_UP:
        later = tx.now + (SOON if age < LATEST else SLOW)
        timers.set(tx, "settle", subject, later, _payload(again, quiet))


def _tell(tx: Tx, house: House, run: Run, when: str, asked: Ask, quiet: bool) -> None:
    if asked.account_kind not in ("slack", "cli"):
        return
    again = f":{asked.key}" if asked.key != run.ask else ""
    found = incidents.get(tx, run.incident) if run.incident else None
    reply = words(tx, house, run, found)
    if quiet and reply.ok:
        return
    replies.add(
        tx, ask=asked.key, account_kind=asked.account_kind, account=asked.account, channel=asked.channel,
        body=reply.model_dump(mode="json"), id=f"settle:{run.id}:{when}{again}",
    )  # fmt: skip


def words(tx: Tx, house: House, run: Run, incident: Incident | None) -> Reply:
    """What the steps said, one line for what worked and one for each that did not."""
    steps = runs.steps_of(tx, run.id)
    said = _said(tx, run)
    well = [step for step in steps if step.state == "succeeded" and step.risk > 0]
    told = [step for step in well if step.uses not in HOUSEKEEPING] or well
    done = [said.get(step.idx) or step.title for step in told]
    under_way = [step.title for step in steps if step.state not in ENDED_WELL | BAD | {"aborted"}]
    bad = [_failure(house, run, step, incident) for step in steps if step.state in BAD or _retrying(step)]
    missing = _missing(house, steps, incident)
    draft, buttons = _draft(house, run, incident)
    head = f"{'⚠️' if bad else '✅' if not under_way else '⏳'} *{incident.id if incident else run.id}*"
    good = [safe(one) for one in [*done[:6], *([draft] if draft else [])]]
    body = f"{head}: {', '.join(good) or 'nothing is done yet'}"
    if under_way:
        body += f" · still under way: {', '.join(safe(title) for title in under_way[:5])}"
    return Reply(text=lines(body, *bad[:6], *missing[:4]), ok=not bad, buttons=buttons)


def _said(tx: Tx, run: Run) -> dict[int, str]:
    """What each step said when it ended well: idx -> words."""
    found = timeline.read(tx, run.stream, types=("step.succeeded",))
    return {int(e.body["step"]): e.text("said") for e in found if e.body.get("run") == run.id and e.text("said")}


def _retrying(step: Step) -> bool:
    return step.state == "pending" and step.tries > 0 and bool(step.error)


def _left_out(step: Step) -> bool:
    """Skipped because its integration is missing, not because its condition does not hold."""
    return step.state == "skipped" and "configured" in (step.note or "")


def _missing(house: House, steps: list[Step], incident: Incident | None) -> list[str]:
    """What no integration does here, and once for each vendor what a person does instead."""
    said: dict[str, str] = {}
    for step in (one for one in steps if _left_out(one)):
        by_hand = instead_of(step.uses, house.policy, incident.service if incident else None)
        known = by_hand in said.values()
        said[f"⚪ {safe(step.title)}: {safe(step.note or 'skipped')}"] = "" if known else by_hand
    return [f"{words} {by_hand}".strip() for words, by_hand in said.items()]


def _failure(house: House, run: Run, step: Step, incident: Incident | None) -> str:
    """⚠️ what happened. **what to do.** whether I keep trying."""
    by_hand = instead_of(step.uses, house.policy, incident.service if incident else None)
    return f"⚠️ {safe(step.title)}: {safe(step.error or 'it failed')} {by_hand} {_next(run, step)}".replace("  ", " ")


def _next(run: Run, step: Step) -> str:
    """What Muster does about it by itself, or how to have it tried again."""
    if _retrying(step):
        return "I keep trying."
    if step.state == "unknown":
        return "I am looking whether it happened."
    stopped = "" if run.state == "paused" else "I have stopped trying."
    again = f"Again: `/playbook retry {run.id}`." if run.state in ("paused", "incomplete") else ""
    return f"{stopped} {again}".strip()


def _draft(house: House, run: Run, incident: Incident | None) -> tuple[str, tuple[Button, ...]]:
    """The status page where policy keeps it a draft: a person publishes it."""
    if incident is None or incident.private or incident.kind == "drill" or not incident.open:
        return "", ()
    severity = house.policy.severities.get(incident.severity)
    if severity is None or severity.status_page.mode != "draft" or run.playbook != severity.declare:
        return "", ()
    if incident.facts.get("status_page_incident"):
        return "", ()
    button = Button(label="Publish", line=f"incident publish {incident.id}", confirm="Publish on the status page?")
    return "the status page draft waits for Publish", (button,)
