"""Incidents: the writers of their rows and of their own timeline entries.

Belongs here: every change of an incident (opened, severity, roles, notes, times, updates, ended) with its event, and
the anchors on the `org` stream. Does not belong here: who may ask (commands), effects on the outside world (steps of
playbooks), pictures (bot). Reading and the table of legal status changes stand in incident_rows.py, handed out here.

Lock order: incident row, run rows, the incident's stream head, the `org` head last. What people typed goes into event
`texts`, never into `body`. Times are the database's; a claimed time is kept as `source_at` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from storage import cards, timeline, timers
from storage.db import Tx
from storage.incident_rows import (
    MOVES,
    OPEN,
    Impossible,
    Incident,
    RoleHeld,
    by_channel,
    by_fact,
    get,
    latest,
    moves_to,
    open_ones,
    roles,
    roles_of,
)
from storage.sql import insert_or, next_number
from storage.tables import events, incidents
from storage.tables import roles as role_rows
from storage.tables_guard import pruned
from storage.timeline import ORG, Entry, Head

__all__ = [
    "MOVES",
    "OPEN",
    "Impossible",
    "Incident",
    "RoleHeld",
    "acknowledge",
    "add_update",
    "alert",
    "anchor",
    "by_channel",
    "by_fact",
    "cancel",
    "decided",
    "drop_role",
    "get",
    "latest",
    "locked",
    "moves_to",
    "note",
    "open_incident",
    "open_ones",
    "overdue",
    "resolve",
    "roles",
    "roles_of",
    "set_facts",
    "set_role",
    "set_severity",
    "set_status",
    "set_time",
    "set_update_due",
    "told",
]

COLUMNS = {"detected": "detected_at", "restored": "restored_at"}
TIMERS = ("update", "acknowledge")


def open_incident(
    tx: Tx,
    *,
    title: str,
    severity: str,
    by: str,
    kind: str = "real",
    type: str = "normal",
    private: bool = False,
    service: str | None = None,
    site: str | None = None,
    origin_channel: str | None = None,
    facts: Mapping[str, Any] | None = None,
    declared_at: datetime | None = None,
) -> Incident:
    """Open one: the next number, event 1 of its stream, and that event's hash on the `org` stream.

    declared_at: only for one imported from a journal, the time it was declared by another clock than the database's.
    """
    number = next_number(tx, "incident")
    id = f"INC-{number}"
    row = {
        "id": id, "number": number, "kind": kind, "type": type, "private": private, "title": title,
        "severity": severity, "status": "investigating", "service": service, "site": site, "declared_by": by,
        "declared_at": declared_at or tx.now, "facts": dict(facts or {}), "origin_channel": origin_channel,
        "revision": 1,
    }  # fmt: skip
    tx.conn.execute(insert(incidents).values(row))
    body = {key: row[key] for key in ("number", "kind", "type", "private", "severity", "service", "site")}
    body |= {"imported": True} if declared_at else {}
    timeline.append(tx, id, Entry("incident.declared", by, body, {"title": title}, source_at=declared_at))
    first = timeline.head(tx, id)
    timeline.append(tx, ORG, Entry("stream.opened", "muster", {"stream": id, "seq": first.seq, "hash": first.hash}))
    found = get(tx, id)
    assert found is not None
    _redraw(tx, found)
    return found


def resolve(tx: Tx, incident: str, *, by: str, resolution: str) -> Incident:
    """End it as resolved. Call `anchor` last in the transaction. Raises Impossible when it has ended."""
    return _end(tx, incident, "resolved", by, {"resolution": resolution})


def cancel(tx: Tx, incident: str, *, by: str, reason: str) -> Incident:
    """End it as never having been one. Call `anchor` last in the transaction. Raises Impossible when it has ended."""
    return _end(tx, incident, "cancelled", by, {"reason": reason})


def _end(tx: Tx, incident: str, status: str, by: str, texts: Mapping[str, str]) -> Incident:
    found = locked(tx, incident)
    moves_to(found, status)
    words = next(iter(texts.values()), "")
    ended = {"status": status, "ended_by": by, "resolution": words or None, "update_due_at": None}
    _change(tx, found, **ended, resolved_at=tx.now)
    for kind in TIMERS:
        timers.cancel(tx, kind, incident)
    lasted = max(0, int((tx.now - found.declared_at).total_seconds()))
    body = {"from": found.status, "severity": found.severity, "lasted_s": lasted}
    timeline.append(tx, incident, Entry(f"incident.{status}", by, body, {k: v for k, v in texts.items() if v}))
    return _again(tx, incident)


def anchor(tx: Tx, stream: str) -> Head:
    """Remember a stream's head on the `org` stream. The last thing a transaction does: it locks the `org` head."""
    head = timeline.head(tx, stream)
    body = {"stream": stream, "seq": head.seq, "hash": head.hash}
    timeline.append(tx, ORG, Entry("stream.anchored", "muster", body))
    return head


def set_severity(tx: Tx, incident: str, severity: str, *, by: str, reason: str = "") -> Incident:
    """Change the severity. Raises Impossible when it has ended or is that severity already."""
    found = _going_on(tx, incident, "severity")
    if found.severity == severity:
        raise Impossible(f"{incident} is *{severity}* already; nothing was changed.",
                         todo=f"`/incident note incident={incident} …` adds to its timeline.")  # fmt: skip
    _change(tx, found, severity=severity)
    body = {"from": found.severity, "to": severity}
    timeline.append(tx, incident, Entry("incident.severity", by, body, _typed(reason=reason)))
    return _again(tx, incident)


def set_role(
    tx: Tx, incident: str, role: str, person: str, *, by: str, interim: bool = False, note: str = ""
) -> RoleHeld | None:
    """Give a hat to a person, with what they should know; returns who wore it before. Taken properly, an interim ends.

    Raises Impossible when the incident has ended or that person wears it already.
    """
    found = _going_on(tx, incident, "role")
    before = roles(tx, incident).get(role)
    if before and before.person == person and before.interim == interim:
        raise Impossible(f"That person is *{role}* of {incident} already; nothing was changed.")
    row = {"incident": incident, "role": role, "person": person, "interim": interim, "since": tx.now}
    statement = insert_or(tx, role_rows).values(row)
    tx.conn.execute(
        statement.on_conflict_do_update(
            index_elements=[role_rows.c.incident, role_rows.c.role],
            set_={"person": person, "interim": interim, "since": tx.now},
        )
    )
    _change(tx, found)
    body = {"role": role, "person": person, "interim": interim, "before": before.person if before else None}
    timeline.append(tx, incident, Entry("incident.role", by, body, _typed(note=note)))
    return before


def drop_role(tx: Tx, incident: str, role: str, *, by: str, note: str = "") -> RoleHeld:
    """Take a hat off. Raises Impossible when nobody wears it or the incident has ended."""
    found = _going_on(tx, incident, "role")
    before = roles(tx, incident).get(role)
    if before is None:
        raise Impossible(f"Nobody is *{role}* of {incident}; nothing was changed.")
    tx.conn.execute(delete(role_rows).where(role_rows.c.incident == incident, role_rows.c.role == role))
    _change(tx, found)
    body = {"role": role, "person": None, "interim": False, "before": before.person}
    timeline.append(tx, incident, Entry("incident.role", by, body, _typed(note=note)))
    return before


def note(tx: Tx, incident: str, text: str, *, by: str, at: datetime | None = None) -> int:
    """Write a person's words down, also after the end; `at` back-dates it. Returns the event's number."""
    locked(tx, incident)
    _past(tx, at, "A note")
    entry = Entry("incident.note", by, {}, {"text": text}, source_at=at, claimed_by=by if at else None)
    return timeline.append(tx, incident, entry)[0]


def set_time(tx: Tx, incident: str, which: str, when: datetime, *, by: str, claimed_by: str | None = None) -> int:
    """Say when it was detected or restored, also after the end; the latest word counts. Returns the event's number.

    Restored also moves an incident that is still looked into to mitigated. Raises Impossible for a time in the future
    or in the wrong order.
    """
    found = locked(tx, incident)
    column = COLUMNS[which]
    _past(tx, when, which.capitalize())
    _in_order(found, which, when)
    before: datetime | None = getattr(found, column)
    values: dict[str, Any] = {column: when}
    if which == "restored" and found.status in ("investigating", "identified"):
        values["status"] = moves_to(found, "mitigated")
    _change(tx, found, **values)
    body = {"which": which, "when": when, "before": before, "status": values.get("status")}
    return timeline.append(tx, incident, Entry("incident.time", by, body, source_at=when, claimed_by=claimed_by or by))[
        0
    ]


def decided(tx: Tx, incident: str) -> None:
    """The first decision fell (an approval was granted): no event of its own, the approval's event carries it."""
    found = locked(tx, incident)
    if found.decided_at is None:
        _change(tx, found, decided_at=tx.now)


def set_status(tx: Tx, incident: str, status: str, *, by: str, reason: str = "") -> None:
    """Move to another status of the open ones. Raises Impossible when the table does not have that move."""
    found = locked(tx, incident)
    if found.status == status:
        return
    moves_to(found, status)
    _change(tx, found, status=status)
    entry = Entry("incident.status", by, {"from": found.status, "to": status}, _typed(reason=reason))
    timeline.append(tx, incident, entry)


def add_update(
    tx: Tx, incident: str, text: str, *, by: str, status: str, due_at: datetime | None = None, draft: str | None = None
) -> int:
    """What is told to people now: kept as the latest update, and the next one's time. Returns the event's number.

    draft: key of the ask that wrote it. An open status also becomes the incident's own.
    """
    found = _going_on(tx, incident, "update")
    if status in OPEN and status != found.status:
        moves_to(found, status)
    values: dict[str, Any] = {"latest_update": text, "latest_update_at": tx.now, "latest_update_status": status}
    _change(tx, found, **values, status=status if status in OPEN else found.status, update_due_at=due_at)
    if due_at is None:
        timers.cancel(tx, "update", incident)
    else:
        timers.set(tx, "update", incident, due_at)
    body = {"status": status, "draft": draft, "next_due": due_at}
    return timeline.append(tx, incident, Entry("incident.update", by, body, {"text": text}))[0]


def set_update_due(tx: Tx, incident: str, due_at: datetime | None) -> None:
    """When the next status update is due (None: none is). No event: it follows from severity and updates."""
    found = locked(tx, incident)
    _change(tx, found, update_due_at=due_at)
    if due_at is None:
        timers.cancel(tx, "update", incident)
    else:
        timers.set(tx, "update", incident, due_at)


def acknowledge(
    tx: Tx, incident: str, *, person: str | None, source: str, at: datetime | None = None, ref: str | None = None,
    commander: str | None = "commander",
) -> bool:  # fmt: skip
    """Somebody answered the page; True for the first one, who becomes interim commander when there is none.

    person None: the pager's user is nobody we know. at: the pager's own time; ref: its incident id.
    """
    found = locked(tx, incident)
    first = found.acknowledged_at is None and found.open
    if first:
        when = min(max(at or tx.now, found.declared_at), tx.now)
        _change(tx, found, acknowledged_at=when, acknowledged_by=person)
        timers.cancel(tx, "acknowledge", incident)
    body = {"person": person, "source": source, "ref": ref, "first": first}
    timeline.append(tx, incident, Entry("incident.acknowledged", source, body, source_at=at))
    if found.open and person and commander and commander not in roles(tx, incident):
        set_role(tx, incident, commander, person, by="muster", interim=True)
    return first


def alert(tx: Tx, incident: str, kind: str, *, source: str, at: datetime | None = None, ref: str | None = None) -> int:
    """Something the pager or a monitor said (kind: "resolved", "escalated"): noted, never acted on."""
    locked(tx, incident)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, incident, Entry(f"alert.{kind}", source, {"ref": ref}, source_at=at))[0]


def overdue(tx: Tx, incident: str, what: str, due_at: datetime | None = None) -> int:
    """A clock ran out: "update", "acknowledge" or "customer_mail". Returns the event's number."""
    locked(tx, incident)
    cards.want(tx, "board", incident, incident)
    return timeline.append(tx, incident, Entry("clock.overdue", "muster", {"what": what, "due_at": due_at}))[0]


def set_facts(tx: Tx, incident: str, facts: Mapping[str, Any]) -> None:
    """Keep what a step learned. No event of its own: the step's event carries it. Wakes cards that waited for it."""
    found = locked(tx, incident)
    _change(tx, found, facts={**found.facts, **facts})
    cards.wake(tx, incident)


def told(tx: Tx, stream: str, kind: str, subject: str, channel: str, ts: str) -> bool:
    """A card was delivered for the first time: one event per card and message. False: it was written already."""
    body = {"kind": kind, "subject": subject, "channel": channel, "ts": ts}
    mine = (events.c.stream == stream, events.c.type == "card.told", events.c.body.contains(ts, autoescape=True))
    if tx.conn.execute(select(events.c.seq).where(*mine)).first():
        return False
    timeline.append(tx, stream, Entry("card.told", "muster", body))
    return True


def locked(tx: Tx, incident: str) -> Incident:
    """Its row, held first in the lock order. Raises Impossible for one there is not, or that left the record."""
    found = get(tx, incident, lock=True)
    if found is None:
        raise Impossible(f"There is no {incident}.", todo="`/incident list` shows them.")
    if not found.open and tx.conn.execute(select(pruned.c.stream).where(pruned.c.stream == incident)).first():
        raise Impossible(f"{incident} was pruned: nothing is added to what has left the record.")
    return found


def _going_on(tx: Tx, incident: str, what: str) -> Incident:
    found = locked(tx, incident)
    if not found.open:
        raise Impossible(
            f"{incident} was {found.status}; its {what} cannot change any more. Nothing was changed.",
            todo=f"`/incident note incident={incident} …` still writes to its timeline.",
        )
    return found


def _again(tx: Tx, incident: str) -> Incident:
    found = get(tx, incident)
    assert found is not None
    return found


def _change(tx: Tx, found: Incident, **values: Any) -> None:
    mine = update(incidents).where(incidents.c.id == found.id)
    tx.conn.execute(mine.values(**values, revision=incidents.c.revision + 1))
    _redraw(tx, found)


def _redraw(tx: Tx, found: Incident) -> None:
    cards.want(tx, "board", found.id, found.id)
    if not found.private:
        cards.want(tx, "announcement", found.id, found.id)
        if cards.get(tx, "status_page", found.id):  # only where a draft was prepared or published
            cards.want(tx, "status_page", found.id, found.id)


def _past(tx: Tx, when: datetime | None, what: str) -> None:
    if when is not None and when > tx.now:
        said = f"{what} cannot be in the future ({when:%d %b %Y %H:%M} UTC, now is {tx.now:%H:%M} UTC)"
        todo = "Write a time that is over, such as `14:05` (UTC); left out, it is now."
        raise Impossible(f"{said}. Nothing was changed.", todo=todo)


def _in_order(found: Incident, which: str, when: datetime) -> None:
    """Detected, then restored; detected not after it was declared."""
    if which == "detected" and when > found.declared_at:
        said = f"{found.id} was declared at {found.declared_at:%H:%M} UTC"
        raise Impossible(f"{said}; it cannot have been detected after that ({when:%H:%M}).")
    if which == "detected" and found.restored_at and when > found.restored_at:
        raise Impossible(f"{found.id} was restored at {found.restored_at:%H:%M} UTC, before {when:%H:%M}.")
    start = found.detected_at or found.declared_at
    if which == "restored" and when < start:
        word = "detected" if found.detected_at else "declared"
        raise Impossible(
            f"{found.id} was {word} at {start:%H:%M} UTC; it cannot have been restored before that ({when:%H:%M}).",
            todo="Say first when it was detected: `/incident detected 13:59`.",
        )


def _typed(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
