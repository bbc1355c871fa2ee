"""The announcement: one line in the organisation's channel, edited as the incident moves, never repeated.

Belongs here: its line. Does not belong here: which channel (bot/cards.py).
A private incident is never announced; of one that became private the line loses what it said.
"""

from __future__ import annotations

from bot.render.blocks import Drawn, drawn, person
from bot.render.board import headline
from bot.render.facts import Around, names
from playbooks.policy import Policy
from storage import cards, incidents
from storage.db import Tx
from storage.incidents import Incident


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[Incident, Around] | None:
    """The incident, or None when there is nothing to announce."""
    found = incidents.get(tx, subject)
    card = cards.get(tx, "announcement", subject)
    if found is None or (found.private and not (card and card.ts)):  # one that became private takes its words back
        return None
    return found, Around(policy, url, tx.now, names(tx, [found.declared_by, found.ended_by]))


def draw(incident: Incident, around: Around) -> Drawn:
    """The line, with the link to the channel once there is one; nothing but its number once it is private."""
    if incident.private:
        return drawn([f"{headline(incident, around, title=False)} · _private now_"])
    service = around.service(incident.service)
    where = f"<#{incident.channel}>" if incident.channel else "channel follows"
    what = f" · {person(service.title or service.name, 60)}" if service else ""
    if incident.open:
        state = f"_{incident.status}_ since {around.at(incident.declared_at)} UTC"
    else:
        state = f"_{incident.status}_ {around.at(incident.resolved_at)} UTC by *{around.name(incident.ended_by)}*"
    lines = [f"{headline(incident, around)} · {state}{what} · {where}"]
    if incident.latest_update:
        lines.append(f"{around.at(incident.latest_update_at)} {person(incident.latest_update, 300)}")
    return drawn(["\n".join(lines)])
