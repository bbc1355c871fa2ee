"""The triage card: alerts that belong together, what they are, and who decided what.

Belongs here: its words and buttons. Does not belong here: what belongs together (commands/hooks/alerts.py), where it
stands (bot/places.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import Drawn, buttons, context, drawn, escape, person
from bot.render.facts import Around, names
from commands.command import Button
from playbooks.policy import Policy
from storage import incidents, triage
from storage.db import Tx
from storage.incidents import Incident
from storage.triage import Counted, Triage


@dataclass(frozen=True)
class TriageFacts:
    """A card with its alerts. incident: the one it belongs to; same: the open one of its service, to join."""

    card: Triage
    counted: Counted
    incident: Incident | None
    same: Incident | None


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[TriageFacts, Around] | None:
    """The rows behind T-7."""
    card = triage.get(tx, subject)
    if card is None:
        return None
    open_ones = [one for one in incidents.open_ones(tx) if card.service and one.service == card.service]
    same = next((one for one in open_ones if not one.private), None)
    found = incidents.get(tx, card.incident) if card.incident else None
    facts = TriageFacts(card, triage.counted(tx, subject), found, same)
    return facts, Around(policy, url, tx.now, names(tx, [card.by] if card.by != "muster" else []))


def draw(facts: TriageFacts, around: Around) -> Drawn:
    """The card."""
    card, counted = facts.card, facts.counted
    title = person(card.title, 200)
    severity = facts.incident.severity if facts.incident else card.severity
    dot = around.dot(severity) if severity else "⚪"
    mark = dot if card.state in ("open", *triage.TAKEN) and counted.firing else "✅"
    head = f"{mark} *{card.id} · {f'<{card.url}|{title}>' if card.url else title}*"
    lines = [f"{head}\n{_about(facts, around)}", _alerts(facts)]
    if ended := _decided(facts, around):
        lines.append(ended)
    if card.note:
        lines.append(f"ℹ️ {person(card.note, 300)}")
    shown = [line for line in lines if line]
    return drawn(
        [*shown, *buttons(_buttons(facts)), context(f"`/incident triage {card.id}`")], text=f"{card.id} · {title}"
    )


def _about(facts: TriageFacts, around: Around) -> str:
    card, counted = facts.card, facts.counted
    service = around.service(card.service)
    parts = [
        f"{counted.firing} firing" + (f", {counted.resolved} resolved" if counted.resolved else ""),
        *([f"*{person(service.title or service.name, 60)}*"] if service else []),
        *([escape(card.severity)] if card.severity else []),
        f"{escape(card.source)} since {around.at(counted.since or card.opened_at)} UTC",
    ]
    return " · ".join(parts)


def _alerts(facts: TriageFacts) -> str:
    """The latest of several, each with its link."""
    counted = facts.counted
    if counted.firing + counted.resolved < 2:
        return ""
    listed = []
    for one in counted.latest:
        title = person(one.title, 120)
        said = f"<{one.url}|{title}>" if one.url else title
        listed.append(f"• {said}{'' if one.state == triage.FIRING else ' _(resolved)_'}")
    rest = counted.firing + counted.resolved - len(counted.latest)
    return "\n".join([*listed, *([f"… and {rest} more"] if rest > 0 else [])])


def _decided(facts: TriageFacts, around: Around) -> str:
    card, found = facts.card, facts.incident
    by = "by itself (policy `alerts.opens`)" if card.by == "muster" else f"by *{around.name(card.by)}*"
    if card.state in triage.TAKEN and found:
        where = f" · <#{found.channel}>" if found.channel and not found.private else ""
        did = "declared" if card.state == "declared" else "joined"
        over = "" if facts.counted.firing else " All of them have ended; the incident ends when people say so."
        return f"🚨 *{did}* {by}: *{found.id}* ({escape(found.status)}){where}.{over}"
    if card.state == "dismissed":
        return f"🔕 *dismissed* {by} {around.at(card.changed_at)} UTC"
    if card.state == "cleared":
        return f"All of them ended by themselves, {around.at(card.changed_at)} UTC. Nobody declared anything."
    return ""


def _buttons(facts: TriageFacts) -> list[Button]:
    """Live until somebody decided. Also when all have ended: what happened may be worth an incident."""
    card = facts.card
    if card.state not in ("open", "cleared"):
        return []
    found = [Button(label="Declare", line=f"incident declare alerts={card.id}", style="primary")]
    if facts.same:
        found.append(Button(label=f"Join {facts.same.id}", line=f"incident triage {card.id} join {facts.same.id}"))
    if card.state == "open":
        ask = "What fires now is not raised again; what fires anew is."
        found.append(Button(label="Dismiss", line=f"incident triage {card.id} dismiss", confirm=ask))
    return found
