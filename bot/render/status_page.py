"""The status page card: the prepared public text with a Publish button, then what is published.

Belongs here: the text as customers will read it. Does not belong here: writing that text (engine/scope.py prepares it).
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import Drawn, buttons, drawn, escape, person, said
from bot.render.facts import Around, IncidentFacts, incident_facts, text_of
from commands.command import Button
from playbooks.engine.scope import incident_scope
from playbooks.policy import Policy
from storage import proposals
from storage.db import Tx


@dataclass(frozen=True)
class StatusPageFacts:
    """The incident and the prepared words. status, impact: as the severity's rule says; held: an update waits for a
    second person."""

    facts: IncidentFacts
    title: str
    body: str
    status: str
    impact: str
    held: bool = False


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[StatusPageFacts, Around] | None:
    """The draft of INC-42. None for a private incident: nothing of it may become public."""
    facts = incident_facts(tx, subject, policy)
    if facts is None or facts.incident.private or facts.incident.severity not in policy.severities:
        return None
    scope = incident_scope(tx, policy, url, subject)
    rule = policy.severities[facts.incident.severity].status_page
    title, body = (str(scope["incident"].get(name) or "") for name in ("status_page_name", "status_page_body"))
    held = proposals.held(tx, subject)
    return StatusPageFacts(facts, title, body, rule.status, rule.impact, held), Around(policy, url, tx.now)


def draw(page: StatusPageFacts, around: Around) -> Drawn:
    """Draft, publishing, published, or why not."""
    incident, step = page.facts.incident, page.facts.doing.get("statuspage.create")
    published = bool(text_of(incident.facts.get("status_page_incident")))
    busy = step is not None and step.state in ("pending", "started", "done")
    failed = step is not None and step.state in ("failed", "uncertain")
    head = f"📣 *{incident.id} · status page*"
    if published:
        address = text_of(incident.facts.get("status_page_url"))
        link = f" · <{escape(address)}|open it>" if address.startswith("https://") else ""
        status = escape(incident.latest_update_status or page.status)
        when = around.at(step.done_at if step else None)
        if page.held:
            return drawn([f"{head}: ✅ published {when} UTC{link} · 🔐 an update waits for a second person"])
        return drawn([f"{head}: ✅ published {when} UTC, now _{status}_{link}\n*{person(page.title, 255)}*"])
    if not incident.open:
        return drawn([f"{head}: nothing was published; {incident.id} is {incident.status}."])
    state = "⏳ publishing" if busy else "❌ not published" if failed else "draft, *not published*"
    lines = [
        f"{head}: {state} (_{escape(page.status)}_, impact {escape(page.impact)})",
        f"*{person(page.title, 255)}*\n{said(page.body, 2000)}",
    ]
    if failed and step is not None:
        lines.append(f"{person(step.error, 400)} Publish by hand on the page, or press again.")
    return drawn([*lines, *([] if busy else buttons([_publish(page)]))])


def _publish(page: StatusPageFacts) -> Button:
    return Button(
        label="Publish", line=f"incident publish {page.facts.incident.id}", style="primary",
        confirm="Customers will read this and subscribers are notified. It cannot be unsaid.",
    )  # fmt: skip
