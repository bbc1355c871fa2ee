"""Reports for auditors: the population of incidents, who has access, what was changed. Rows in a fixed order.

Belongs here: the queries and the shape of their rows. Does not belong here: files and formats (bot/reporting.py), one
incident's evidence (export.py, audit/). Times are UTC, RFC 3339; a period is [start, end). Persons are opaque ids with
the name beside them, or no name where it was erased. What was pruned is still counted: its number, times and digests
stay (retention.py); its votes went with it and stand in its exported evidence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from storage.db import Tx
from storage.export import Names
from storage.retention import Pruned, all_pruned
from storage.tables import approvals, counters, events, incidents, memberships, streams, texts, votes
from storage.tables_guard import credentials, decision_votes, decisions, factors
from storage.timeline import ORG
from storage.types import iso

Row = dict[str, Any]
Report = Callable[[Tx, datetime, datetime], Iterator[Row]]
MISSING = "MISSING"
# Kinds of events that change who may do what, or the record itself.
CHANGES = (
    "policy", "decision", "account", "group", "person", "factor", "credential", "auditor", "audit", "export", "stream",
    "hold", "text", "escrow", "review", "anchor",
)  # fmt: skip
_GLASS = ("approval.broken", "approval.break_refused")
_NOISE = ("stream.opened", "stream.anchored")


def population(tx: Tx, start: datetime, end: datetime) -> Iterator[Row]:
    """Every incident declared in the period, cancelled ones, drills and pruned ones too, by number, without a gap.

    A number that was given and whose incident is not there is a row of its own, with status MISSING.
    """
    opened, gone, names = _opened(tx), all_pruned(tx), Names(tx)
    heads = {row.name: row for row in tx.conn.execute(select(streams.c.name, streams.c.seq, streams.c.hash))}
    found = {row["number"]: row for row in tx.conn.execute(select(incidents)).mappings()}
    last = tx.conn.execute(select(counters.c.value).where(counters.c.name == "incident")).scalar() or 0
    for number in range(1, max([last, *found]) + 1):
        incident = found.get(number)
        first = opened.get(f"INC-{number}")
        if incident is None:
            if _within(found, number, start, end):
                yield _missing(number, first)
        elif start <= incident["declared_at"] < end:
            yield _incident(names, incident, heads.get(incident["id"]), first, gone.get(incident["id"]))


def _opened(tx: Tx) -> dict[str, str]:
    """The first digest of each stream, as the org stream has it."""
    query = select(events.c.body).where(events.c.stream == ORG, events.c.type == "stream.opened")
    told = (json.loads(packed)["body"] for packed in tx.conn.execute(query).scalars())
    return {str(body["stream"]): str(body["hash"]) for body in told}


def _within(found: dict[int, Any], number: int, start: datetime, end: datetime) -> bool:
    """Whether a missing number lies between neighbours of the period."""
    before = [one["declared_at"] for known, one in found.items() if known < number]
    after = [one["declared_at"] for known, one in found.items() if known > number]
    return (not before or max(before) < end) and (not after or min(after) >= start)


def _missing(number: int, first: str | None) -> Row:
    return {**dict.fromkeys(_INCIDENT), "number": number, "id": f"INC-{number}", "status": MISSING, "first": first}


_INCIDENT = (
    "number", "id", "kind", "type", "private", "severity", "status", "service", "site", "title", "declared_at",
    "declared_by", "declared_by_name", "resolved_at", "ended_by", "events", "first", "last",
    "pruned_at", "export_sha256",
)  # fmt: skip


def _incident(names: Names, row: Any, head: Any, first: str | None, gone: Pruned | None) -> Row:
    plain = {name: _plain(row[name]) for name in _INCIDENT if name in row}
    return {
        **dict.fromkeys(_INCIDENT), **plain, "title": None if row["private"] else row["title"],
        "declared_by_name": _name(names, row["declared_by"]), "events": head.seq if head else 0, "first": first,
        "last": head.hash if head else None, "pruned_at": iso(gone.at) if gone else None,
        "export_sha256": gone.sha256 if gone else None,
    }  # fmt: skip


_ACCESS = ("what", "person", "name", "subject", "detail", "state", "since", "until", "by")


def access_review(tx: Tx, start: datetime, end: datetime) -> Iterator[Row]:
    """Who is in which group and by which source, second factors, terminals, and who approved what in the period."""
    names = Names(tx)
    for row in tx.conn.execute(select(memberships).order_by(memberships.c.grp, memberships.c.person)).mappings():
        state = "confirmed" if row["confirmed"] else "new"
        yield _access(
            names, "group", row["person"], row["grp"], row["source"], state, row["added_at"], by=row["added_by"]
        )
    for row in tx.conn.execute(select(factors).order_by(factors.c.person)).mappings():
        since = row["confirmed_at"] or row["created_at"]
        yield _access(names, "factor", row["person"], "totp", "", row["state"], since)
    for row in tx.conn.execute(select(credentials).order_by(credentials.c.person, credentials.c.id)).mappings():
        ended = row["revoked_at"] or row["expires_at"]
        state = "revoked" if row["revoked_at"] else "expired" if row["expires_at"] <= tx.now else "good"
        yield _access(names, "terminal", row["person"], row["id"], row["role"], state, row["created_at"], until=ended)
    yield from _votes(tx, names, start, end)


def _votes(tx: Tx, names: Names, start: datetime, end: datetime) -> Iterator[Row]:
    query = select(votes, approvals.c.run, approvals.c.idx, approvals.c.mode, approvals.c.state.label("ended"))
    query = query.join(approvals, approvals.c.id == votes.c.approval).where(votes.c.at >= start, votes.c.at < end)
    for row in tx.conn.execute(query.order_by(votes.c.at, votes.c.approval, votes.c.person)).mappings():
        detail = " ".join(filter(None, [row["mode"], row["via"], row["proof"]]))
        subject = f"{row['run']} step {row['idx']}: {row['choice']}"
        yield _access(names, "approval", row["person"], subject, detail, row["ended"], row["at"])
    asked = select(decision_votes, decisions.c.kind, decisions.c.subject, decisions.c.state.label("ended"))
    asked = asked.join(decisions, decisions.c.id == decision_votes.c.decision)
    asked = asked.where(decision_votes.c.at >= start, decision_votes.c.at < end)
    for row in tx.conn.execute(asked.order_by(decision_votes.c.at, decision_votes.c.person)).mappings():
        detail = " ".join(filter(None, [row["via"], row["proof"]]))
        subject = f"{row['decision']} {row['kind']} {row['subject']}: {row['choice']}"
        yield _access(names, "decision", row["person"], subject, detail, row["ended"], row["at"])


def _access(
    names: Names, what: str, person: str, subject: str, detail: str, state: str, since: datetime,
    until: datetime | None = None, by: str | None = None,
) -> Row:  # fmt: skip
    values = (what, person, _name(names, person), subject, detail, state, iso(since), iso(until) if until else None, by)
    return dict(zip(_ACCESS, values, strict=True))


_CHANGE = ("at", "stream", "seq", "type", "actor", "name", "body", "reason", "hash")


def changes(tx: Tx, start: datetime, end: datetime) -> Iterator[Row]:
    """Every event of the period that changed who may do what, or the record: by time, each as its stream holds it."""
    kinds = or_(*[events.c.type.startswith(f"{kind}.", autoescape=True) for kind in CHANGES], events.c.type.in_(_GLASS))
    query = (
        select(events, texts.c.text.label("reason"))
        .outerjoin(
            texts, (texts.c.stream == events.c.stream) & (texts.c.seq == events.c.seq) & (texts.c.field == "reason")
        )
        .where(kinds, events.c.type.not_in(_NOISE), events.c.at >= iso(start), events.c.at < iso(end))
        .order_by(events.c.at, events.c.stream, events.c.seq)
    )
    names = Names(tx)
    for row in tx.conn.execute(query).mappings():
        body = json.dumps(json.loads(row["body"])["body"], ensure_ascii=False, sort_keys=True)
        yield {name: row[name] for name in _CHANGE if name in row} | {"body": body, "name": _name(names, row["actor"])}


def _name(names: Names, person: str) -> str | None:
    found = names(person)
    return found if found != person else None


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value


REPORTS: dict[str, tuple[Report, tuple[str, ...]]] = {
    "population": (population, _INCIDENT),
    "access-review": (access_review, _ACCESS),
    "changes": (changes, _CHANGE),
}
