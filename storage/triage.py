"""Alerts that came in, and the triage cards they stand on: rows and their moves.

A card holds the alerts that belong together; each alert is one row, told again and again under its fingerprint.
States of a card: open -> declared (it became an incident) | joined (it belongs to one) | dismissed | cleared (all of
its alerts ended by themselves); a cleared card opens again when an alert of its group fires. Belongs here: rows, the
events about them. Does not belong here: what belongs together (commands/hooks/alerts.py), the card (bot/render).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from storage import cards, timeline
from storage.db import Tx
from storage.incident_rows import Impossible
from storage.sql import find, insert_or, next_number
from storage.tables_triage import alerts, triage
from storage.timeline import ORG, Entry

OPEN, FIRING, RESOLVED = "open", "firing", "resolved"
TAKEN = ("declared", "joined")  # it belongs to an incident


@dataclass(frozen=True)
class Alert:
    """One alert as its source last told it. at: when this occurrence began or ended, by the source's own clock.

    page: id of PagerDuty's incident, None for others.
    """

    fingerprint: str
    title: str
    state: str
    at: datetime
    url: str | None = None
    page: str | None = None


@dataclass(frozen=True)
class Triage:
    """One card row. id: "T-7"; by: who decided, a person or "muster"; note: why it did not open one by itself."""

    id: str
    number: int
    source: str
    grp: str
    title: str
    url: str | None
    service: str | None
    severity: str | None
    state: str
    incident: str | None
    by: str | None
    opened_at: datetime
    changed_at: datetime
    by_itself: bool
    note: str | None


@dataclass(frozen=True)
class Counted:
    """What stands on a card: how many fire and have ended, since when; pages: PagerDuty's incidents that fire."""

    firing: int
    resolved: int
    since: datetime | None
    latest: tuple[Alert, ...]
    pages: tuple[str, ...]


_NAMES = tuple(one.name for one in fields(Triage))
_ALERT = tuple(one.name for one in fields(Alert))


def one_at_a_time(tx: Tx) -> None:
    """Let no other process take alerts in until this transaction ends: one group gets one card. First of all locks."""
    next_number(tx, "triage-intake")


def get(tx: Tx, id: str, *, lock: bool = False) -> Triage | None:
    """One card, or None."""
    row = find(tx, triage, _NAMES, {"id": id}, lock=lock).first()
    return Triage(*row) if row else None


def live(tx: Tx, grp: str) -> Triage | None:
    """The latest card of this group that was not dismissed, or None."""
    query = select(*[triage.c[name] for name in _NAMES]).where(triage.c.grp == grp, triage.c.state != "dismissed")
    row = tx.conn.execute(query.order_by(triage.c.number.desc()).limit(1)).first()
    return Triage(*row) if row else None


def open_cards(tx: Tx) -> list[Triage]:
    """Cards nobody has decided on, newest first."""
    rows = find(tx, triage, _NAMES, {"state": OPEN}, order="number")
    return [Triage(*row) for row in rows][::-1]


def of_incident(tx: Tx, incident: str) -> list[Triage]:
    """Cards that belong to an incident, oldest first."""
    return [Triage(*row) for row in find(tx, triage, _NAMES, {"incident": incident}, order="number")]


def opened_since(tx: Tx, when: datetime, *, source: str | None = None, by_itself: bool | None = None) -> int:
    """How many cards were opened after that: of a source, or that opened an incident by themselves."""
    query = select(func.count()).select_from(triage).where(triage.c.opened_at > when)
    query = query.where(triage.c.source == source) if source else query
    query = query.where(triage.c.by_itself == by_itself) if by_itself is not None else query
    return int(tx.conn.execute(query).scalar_one())


def known(tx: Tx, source: str, fingerprints: Iterable[str]) -> dict[str, tuple[str, str, datetime]]:
    """Alerts that came before: fingerprint -> (card, state, at); card "": it had ended before anybody heard of it."""
    wanted = list(fingerprints)
    columns = (alerts.c.fingerprint, alerts.c.triage, alerts.c.state, alerts.c.at)
    query = select(*columns).where(alerts.c.source == source, alerts.c.fingerprint.in_(wanted))
    return {row.fingerprint: (row.triage or "", row.state, row.at) for row in tx.conn.execute(query)}


def raise_card(
    tx: Tx, *, source: str, grp: str, first: Alert, alerts: int, service: str | None, severity: str | None
) -> Triage:
    """Open a card for a group, with its event on the `org` stream. alerts: how many came with the first word."""
    number = next_number(tx, "triage")
    row: dict[str, Any] = {
        "id": f"T-{number}", "number": number, "source": source, "grp": grp, "title": first.title, "url": first.url,
        "service": service, "severity": severity, "state": OPEN, "incident": None, "by": None, "opened_at": tx.now,
        "changed_at": tx.now, "by_itself": False, "note": None,
    }  # fmt: skip
    tx.conn.execute(triage.insert().values(row))
    body = {"triage": row["id"], "source": source, "service": service, "severity": severity, "alerts": alerts}
    texts = {"title": first.title, **({"url": first.url} if first.url else {})}
    cards.want(tx, "triage", f"T-{number}", ORG)
    timeline.append(tx, ORG, Entry("triage.opened", "muster", body, texts, source_at=first.at))
    return Triage(**row)


def tell(tx: Tx, source: str, card: str | None, told: Sequence[Alert]) -> None:
    """Write down alerts as they are told now, on this card; None: on none, they had ended before anybody heard."""
    if not told:
        return
    rows = [
        {**{name: getattr(one, name) for name in _ALERT}, "source": source, "triage": card, "told_at": tx.now}
        for one in told
    ]
    statement = insert_or(tx, alerts)
    changed = {name: statement.excluded[name] for name in ("triage", "title", "url", "page", "state", "at", "told_at")}
    mine = [alerts.c.source, alerts.c.fingerprint]
    tx.conn.execute(statement.on_conflict_do_update(index_elements=mine, set_=changed), rows)


def counted(tx: Tx, card: str, *, latest: int = 3) -> Counted:
    """What stands on a card now."""
    mine = alerts.c.triage == card
    query = select(alerts.c.state, func.count(), func.min(alerts.c.at)).where(mine).group_by(alerts.c.state)
    found = {row[0]: (int(row[1]), row[2]) for row in tx.conn.execute(query)}
    columns = [alerts.c[name] for name in _ALERT]
    recent = select(*columns).where(mine).order_by(alerts.c.state, alerts.c.at.desc(), alerts.c.fingerprint)
    pages = select(alerts.c.page).where(mine, alerts.c.state == FIRING, alerts.c.page.is_not(None)).distinct()
    return Counted(
        found.get(FIRING, (0, None))[0], found.get(RESOLVED, (0, None))[0], found.get(FIRING, (0, None))[1],
        tuple(Alert(*row) for row in tx.conn.execute(recent.limit(latest))),
        tuple(tx.conn.execute(pages.order_by(alerts.c.page).limit(20)).scalars()),
    )  # fmt: skip


def change(tx: Tx, card: Triage, **values: Any) -> None:
    """Change a card's row and have it drawn again."""
    tx.conn.execute(update(triage).where(triage.c.id == card.id).values(changed_at=tx.now, **values))
    cards.want(tx, "triage", card.id, ORG)


def take(tx: Tx, id: str, incident: str, *, by: str, joined: bool = False, by_itself: bool = False) -> Triage:
    """A card becomes an incident, or (`joined`) belongs to one that is open already; the incident's timeline says so.

    Raises Impossible when somebody decided on it before.
    """
    card = undecided(tx, id)
    now = counted(tx, id)
    change(tx, card, state="joined" if joined else "declared", incident=incident, by=by, by_itself=by_itself)
    body = {"triage": id, "source": card.source, "firing": now.firing, "resolved": now.resolved, "by_itself": by_itself}
    texts = {"title": card.title, **({"url": card.url} if card.url else {})}
    timeline.append(tx, incident, Entry("alert.joined", by, body, texts, source_at=now.since))
    return card


def dismiss(tx: Tx, id: str, *, by: str, reason: str = "") -> Triage:
    """Nothing to declare. What fires now is not raised again; what fires later is. Raises Impossible if decided on."""
    card = undecided(tx, id)
    change(tx, card, state="dismissed", by=by)
    entry = Entry("triage.dismissed", by, {"triage": id, "source": card.source}, {"reason": reason} if reason else {})
    timeline.append(tx, ORG, entry)
    return card


def undecided(tx: Tx, id: str) -> Triage:
    """The card, held until the transaction ends. Raises Impossible: there is none, or somebody decided on it."""
    card = get(tx, id, lock=True)
    if card is None:
        raise Impossible(f"There are no alerts *{id}*.", todo="`/incident triage` lists those that wait.")
    if card.state in TAKEN:
        raise Impossible(f"{id} belongs to {card.incident} already; nothing was changed.",
                         todo=f"`/incident status {card.incident}`")  # fmt: skip
    if card.state == "dismissed":
        raise Impossible(f"{id} was dismissed already; nothing was changed.", todo="`/incident declare` still works.")
    return card


def fired_again(tx: Tx, incident: str, card: Triage, firing: int) -> None:
    """Alerts of an incident fire that had all ended: noted on its timeline."""
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("alert.fired", card.source, {"triage": card.id, "firing": firing}))


def ended(tx: Tx, incident: str, card: Triage) -> None:
    """All alerts of an incident have ended: noted, never acted on."""
    cards.want(tx, "board", incident, incident)
    timeline.append(tx, incident, Entry("alert.resolved", card.source, {"ref": card.id}))


def an_hour_ago(tx: Tx) -> datetime:
    """Database time, an hour back."""
    return tx.now - timedelta(hours=1)
