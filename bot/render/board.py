"""The board: the pinned card at the top of an incident's channel, everything at a glance (story.md, 14:02).

Belongs here: its lines and buttons. Does not belong here: reading rows (facts.py), posting (bot/cards.py).
"""

from __future__ import annotations

from bot.render import keeping
from bot.render.blocks import Drawn, buttons, context, drawn, escape, person, said
from bot.render.facts import ENDED, Around, IncidentFacts, counts, incident_facts, names, text_of, took
from bot.words import phones
from commands.command import Button
from playbooks.durations import words
from playbooks.engine.requests import SKIPPED_FOR
from playbooks.policy import Policy
from storage import standing
from storage.db import Tx
from storage.incidents import Incident
from storage.levels import level_of

TASKS_MOST = 5
LINKS_MOST = 6


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[IncidentFacts, Around] | None:
    """The rows behind the board of INC-42."""
    facts = incident_facts(tx, subject, policy)
    if facts is None:
        return None
    ids = [facts.incident.declared_by, facts.incident.acknowledged_by, facts.incident.ended_by]
    ids += [*(role.person for role in facts.roles), *(task.owner for task in facts.tasks)]
    ids += [*(one.notified_by for one in facts.clocks), *(one.owner for one in facts.followups)]
    return facts, Around(policy, url, tx.now, names(tx, ids))


def draw(facts: IncidentFacts, around: Around) -> Drawn:
    """The board as a message."""
    incident = facts.incident
    lines = [
        _roles(facts, around),
        f"Services: {keeping.services(facts, around)} · Page: {_page(facts, around)}",
        f"Status page: {_status_page(facts, around)}",
        _runs(facts, around),
    ]
    if facts.tasks:
        lines.append(_tasks(facts, around))
    lines += keeping.lines(facts, around)
    if declared := _level(incident, around):
        lines.insert(0, declared)
    if incident.latest_update and incident.open:
        lines.append(f"Latest update {around.at(incident.latest_update_at)}: {person(incident.latest_update, 500)}")
    if incident.resolution and not incident.open:
        who = around.name(incident.ended_by)
        lines.append(f"{incident.status.capitalize()} by *{who}*: {said(incident.resolution, 600)}")
    head = headline(incident, around)
    paragraphs = [f"{head}\n{_since(incident, around)}", "\n".join(lines)]
    rest = [*buttons(_buttons(facts, around)), context(_links(facts, around))]
    return drawn([*paragraphs, *rest], text=f"{head} · {incident.status}")


def headline(incident: Incident, around: Around, *, title: bool = True) -> str:
    """`🔴 *INC-42 · sev1 · checkout is down*`. title False: for places where a private title must not stand."""
    dot = around.dot(incident.severity) if incident.open else "✅" if incident.status == "resolved" else "⚪"
    drill = " · DRILL" if incident.kind == "drill" else ""
    words = person(incident.title, 150) if title else "restricted"
    return f"{dot} *{incident.id} · {escape(incident.severity)} · {words}*{drill}"


def _since(incident: Incident, around: Around) -> str:
    if incident.open:
        return f"_{incident.status}_ · since {around.at(incident.declared_at)} UTC"
    ended = incident.resolved_at or incident.declared_at
    return f"_{incident.status}_ at {around.at(ended)} UTC after {took(ended - incident.declared_at)}"


def _level(incident: Incident, around: Around) -> str:
    """`🌪️ Disaster level *Regional outage*: RTO 1 h, ends 15:02, RPO 15 min. Recovers at …`; "" without one."""
    name = level_of(incident)
    level = around.policy.disaster_levels.get(name) if name else None
    if level is None:
        return f"🌪️ Disaster level *{escape(name)}*" if name else ""
    ends = around.at((incident.detected_at or incident.declared_at) + level.rto)
    clock = f"RTO {words(level.rto)}{f', ends *{ends}*' if incident.open else ''}, RPO {words(level.rpo)}"
    return f"🌪️ Disaster level *{escape(level.title)}*: {clock}. {escape(level.where(around.policy.sites))}"


def _roles(facts: IncidentFacts, around: Around) -> str:
    """Every role of the policy, worn or not; the interim commander says why."""
    worn = {role.role: role for role in facts.roles}
    parts = []
    for name, role in around.policy.roles.items():
        held = worn.get(name)
        why = " (first to acknowledge, interim)" if held and held.interim else ""
        parts.append(f"{escape(role.title)} {f'*{around.name(held.person)}*{why}' if held else '—'}")
    return " · ".join(parts) or f"Declared by *{around.name(facts.incident.declared_by)}*"


def _page(facts: IncidentFacts, around: Around) -> str:
    incident, step = facts.incident, facts.doing.get("pagerduty.trigger")
    service = around.service(incident.service)
    whom = escape((service and (service.pagerduty.escalation_policy or service.pagerduty.service)) or "the on-call")
    if incident.acknowledged_at:
        by = f" by *{around.name(incident.acknowledged_by)}*" if incident.acknowledged_by else ""
        sent = f"_{whom}_ notified {around.at(step.done_at)}, " if step and step.done_at else ""
        return f"{sent}acknowledged{by} {around.at(incident.acknowledged_at)}"
    if step is None or step.state in ("skipped", "aborted"):
        return _not_sent(step.note, facts, around) if step and step.note else "none"
    trying = step.state == "pending" and step.tries > 0 and bool(step.error)
    if step.state in ("failed", "uncertain") or trying:
        call = f" *Call the on-call: {phones(around.policy)}*" if phones(around.policy) else " *Call the on-call.*"
        again = " I keep trying." if trying else ""
        return f"❌ _{whom}_ not reached: {person(step.error, 200)}{call}{again}"
    if step.done_at:
        return f"_{whom}_ notified {around.at(step.done_at)}, not acknowledged yet{_next_layer(facts, around)}"
    return f"⏳ calling _{whom}_"


def _not_sent(note: str, facts: IncidentFacts, around: Around) -> str:
    """Why nobody's phone rang: the policy wants none for this severity, or what kept it from ringing."""
    severity = around.policy.severities.get(facts.incident.severity)
    if facts.incident.facts.get("paged_blind"):
        return "sent before this could be written down"
    if severity is not None and severity.page_within is None:
        return f"none, as {escape(severity.name)} calls nobody (`/incident page` does)"
    if note.startswith(SKIPPED_FOR):  # in the engine's words, which say nothing to people
        return "not sent"
    return f"not sent ({person(note, 150)})"


def _next_layer(facts: IncidentFacts, around: Around) -> str:
    """When the page is handed on, or what became of that: ` · next layer called 14:07`; "" where it never is."""
    step = facts.doing.get("pagerduty.escalate")
    if step is None:
        at = facts.escalates_at if facts.incident.open and facts.incident.kind != "drill" else None
        return f" · next layer is called *{around.at(at)}*" if at else ""
    if step.state in ("failed", "uncertain"):
        return (
            f" · ❌ next layer not reached: {person(step.error, 200)} *Call {phones(around.policy) or 'the on-call'}*"
        )
    return f" · next layer called {around.at(step.done_at)}" if step.done_at else " · ⏳ calling the next layer"


def _status_page(facts: IncidentFacts, around: Around) -> str:
    incident, step = facts.incident, facts.doing.get("statuspage.create")
    due = f", next update due *{around.at(incident.update_due_at)}*" if incident.update_due_at else ""
    if incident.private:
        return f"nothing is published (restricted){due}"
    if text_of(incident.facts.get("status_page_incident")):
        if facts.held:
            return f"published; 🔐 *an update waits for a second person*{due}"
        status = incident.latest_update_status or "published"
        when = incident.latest_update_at or (step.done_at if step else None)
        return f"_{escape(status)}_ {around.at(when)}{due}"
    if step is not None and step.state in ("failed", "uncertain"):
        return f"❌ {person(step.error, 200)}{due}"
    severity = around.policy.severities.get(incident.severity)
    wanted = severity is not None and severity.status_page.mode == "draft"
    draft = (wanted or facts.drafted) and incident.open  # a lower severity takes no draft back
    return f"{'a draft is waiting, not published' if draft else 'nothing is published'}{due}"


def _runs(facts: IncidentFacts, around: Around) -> str:
    live = [run for run in facts.runs if run.state not in ENDED]
    shown = [f"{run.id} {escape(run.playbook)} _{run.state}_" for run in live[:5]]
    ended = counts([run.state for run in facts.runs if run.state in ENDED])
    runs = ", ".join(shown) or "none"
    asked = ", ".join(f"{one.run} step {one.idx}" for one in facts.approvals[:5]) or "none"
    left = ", ".join(f"{step.run} {step.uses}" for step in facts.leftovers[:5]) or "none"
    if (more := len(facts.leftovers) - 5) > 0:
        left += f" and {more} more (`/incident leftovers`)"
    alone = ", ".join(f"{one.run} ({one.kind}) by *{around.at(one.due_at)}*" for one in facts.reviews[:5])
    reviews = f" · Reviews: {alone}" if alone else ""
    return f"Runs: {runs}{f' ({ended})' if ended else ''} · Approvals: {asked} · Leftovers: {left}{reviews}"


def _tasks(facts: IncidentFacts, around: Around) -> str:
    """`To do: *1* check the replica (Ben, due *18:00*) · …`, what is due first, at fixed times."""
    order = sorted(facts.tasks, key=lambda one: (one.due_at is None, one.due_at or around.now, one.number))
    said = []
    for task in order[:TASKS_MOST]:
        due = [f"due *{around.at(task.due_at)}*"] if task.due_at else []
        held = ", ".join([around.name(task.owner) if task.owner else "nobody's yet", *due])
        said.append(f"*{task.number}* {person(task.what, 80)} ({held})")
    more = f" and {len(order) - TASKS_MOST} more" if len(order) > TASKS_MOST else ""
    return f"To do: {' · '.join(said)}{more} (`/incident tasks`)"


def _buttons(facts: IncidentFacts, around: Around) -> list[Button]:
    """What people do next; nothing once it has ended but the post-mortem."""
    incident = facts.incident
    id = incident.id
    if not incident.open:
        return [Button(label="Post-mortem", line=f"incident postmortem {id}")] if incident.status == "resolved" else []
    found = []
    commander = next((role for role in facts.roles if role.role == "commander"), None)
    if (commander is None or commander.interim) and "commander" in around.policy.roles:
        found.append(Button(label="Take command", line=f"incident role commander me incident={id}", style="primary"))
    return [
        *found,
        Button(label="Update", line=f"incident update {id}"),
        Button(label="Run playbook", line=f"playbook run incident={id}"),
        Button(label="Change severity", line=f"incident sev {id}"),
        Button(label="Resolve", line=f"incident resolve {id}"),
    ]


def _links(facts: IncidentFacts, around: Around) -> str:
    incident = facts.incident
    known = around.url.startswith(("https://", "http://")) and not around.url.endswith(":0")
    links = [f"<{escape(around.url)}/incidents/{incident.id}|on the web>"] if known else []
    links.append(f"`/incident timeline {incident.id}`")
    for name, label in (
        ("page_url", "page"),
        ("status_page_url", "status page"),
        ("ticket_url", "ticket"),
        ("alert_url", "alert"),
    ):
        address = text_of(incident.facts.get(name))
        if address.startswith(("https://", "http://")):
            links.append(f"<{escape(address).replace('|', '%7C')}|{label}>")
    links += [f"<{escape(one.url)}|{person(one.title, 60)}>" for one in facts.links[-LINKS_MOST:]]
    said = (("part of", standing.PARENT), ("related:", standing.RELATED), ("the same as", standing.DUPLICATE))
    for words_, kind in said:
        if named := standing.others(incident, kind):
            links.append(f"{words_} {', '.join(named[:5])}")
    return " · ".join(links)
