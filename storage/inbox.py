"""The inbox: what people, hooks and timers asked, stored once under the sender's own id before it is acknowledged.

States: received -> claimed -> done | refused | dead; a claim whose lease ran out may be claimed again.
Belongs here: the rows and their moves. Does not belong here: what an ask means (commands), sending answers (replies).
Secrets typed into modals are replaced before they come here; `response_url` stands in its own column and is blanked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, RowMapping, bindparam, column, func, or_, select, update

from storage.db import Tx
from storage.sql import insert_or, later, skip_locked
from storage.tables import inbox
from storage.types import DbNow

RESPONSE_URL_LIFE = timedelta(minutes=30)
_NAMES = (
    "key", "kind", "line", "values", "account_kind", "account", "team", "channel", "message_ts", "response_url", "via",
    "state", "attempts",
)  # fmt: skip
_RECORDS = (
    func.json_to_recordset(bindparam("rows", type_=JSON))
    .table_valued(*[column(name, inbox.c[name].type) for name in _NAMES])
    .render_derived(name="asked", with_types=True)
)


@dataclass(frozen=True)
class Ask:
    """One ask, normalised. key: trigger_id, event_id or our own; line: the command as typed ("incident note hello").

    kind: command | button | form | event | webhook | timer | cli. account_kind/account: who ("slack", "T1/U1").
    values: form fields or the normalised payload of a hook. via: "slack", "cli", "webhook", "clock".
    codes: one-time codes given with it, by field. They are judged while it is being stored and never stored themselves.
    """

    key: str
    kind: str
    line: str
    account_kind: str
    account: str
    via: str
    values: Mapping[str, Any] = field(default_factory=dict)
    team: str | None = None
    channel: str | None = None
    message_ts: str | None = None
    response_url: str | None = None
    received_at: datetime | None = None
    attempts: int = 0
    codes: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


def store(tx: Tx, asks: Sequence[Ask]) -> set[str]:
    """Store asks that are not there yet, in one statement; returns the keys that are new. A repeat has no effect."""
    if not asks:
        return set()
    into = insert_or(tx, inbox)
    if tx.sqlite:
        now = tx.now
        rows: Any = [_row(ask) | {"received_at": now} for ask in asks]
    else:
        # One parameter whatever the number of asks: psycopg would parse and bind thirteen for each. The time is read in
        # the statement, which saves a round trip.
        rows = {"rows": [_row(ask) for ask in asks]}
        into = into.from_select([*_NAMES, "received_at"], select(*_RECORDS.c, DbNow()))
    fresh = into.on_conflict_do_nothing(index_elements=[inbox.c.key]).returning(inbox.c.key)
    keys = set(tx.conn.execute(fresh, rows).scalars())
    if keys:
        tx.hint("inbox")
    return keys


def _row(ask: Ask) -> dict[str, Any]:
    return {
        "key": ask.key, "kind": ask.kind, "line": ask.line, "values": dict(ask.values),
        "account_kind": ask.account_kind, "account": ask.account, "team": ask.team, "channel": ask.channel,
        "message_ts": ask.message_ts, "response_url": ask.response_url, "via": ask.via, "state": "received",
        "attempts": 0,
    }  # fmt: skip


def claim(tx: Tx, owner: str, *, limit: int = 20, lease_s: float = 30.0, kinds: tuple[str, ...] = ()) -> list[Ask]:
    """Take asks to handle, oldest first: received ones, and claimed ones whose owner let the lease run out."""
    query = select(inbox).where(
        or_(inbox.c.state == "received", (inbox.c.state == "claimed") & (inbox.c.lease_until < tx.now))
    )
    if kinds:
        query = query.where(inbox.c.kind.in_(kinds))
    rows = tx.conn.execute(skip_locked(query.order_by(inbox.c.received_at).limit(limit))).mappings().all()
    if not rows:
        return []
    tx.conn.execute(
        update(inbox)
        .where(inbox.c.key.in_([row["key"] for row in rows]))
        .values(state="claimed", owner=owner, lease_until=later(tx, lease_s), attempts=inbox.c.attempts + 1)
    )
    return [_ask(row) for row in rows]


def judged(tx: Tx, key: str, line: str, values: Mapping[str, Any]) -> None:
    """Put the verdicts on an ask's codes into it, in the transaction that stored it."""
    tx.conn.execute(update(inbox).where(inbox.c.key == key).values(line=line, values=dict(values)))


def renew(tx: Tx, owner: str, keys: Iterable[str], *, lease_s: float = 30.0) -> None:
    """Say that this owner is still handling these asks."""
    tx.conn.execute(
        update(inbox)
        .where(inbox.c.key.in_(list(keys)), inbox.c.owner == owner, inbox.c.state == "claimed")
        .values(lease_until=later(tx, lease_s))
    )


def settle(tx: Tx, key: str, state: str, *, error: str | None = None, owner: str | None = None) -> bool:
    """Move a claimed ask to done, refused or dead, in the handler's transaction. False: it was settled already."""
    query = update(inbox).where(inbox.c.key == key, inbox.c.state.in_(("received", "claimed")))
    if owner is not None:
        query = query.where(or_(inbox.c.owner == owner, inbox.c.owner.is_(None)))
    return tx.conn.execute(query.values(state=state, error=error, done_at=tx.now, owner=None)).rowcount == 1


def release(tx: Tx, key: str, owner: str | None = None) -> None:
    """Give a claimed ask back, to be taken up again by anyone. owner: only while it is theirs."""
    query = update(inbox).where(inbox.c.key == key, inbox.c.state == "claimed")
    if owner is not None:
        query = query.where(inbox.c.owner == owner)
    tx.conn.execute(query.values(state="received", owner=None, lease_until=None))
    tx.hint("inbox")


def get(tx: Tx, key: str) -> Ask | None:
    """One ask, whatever its state."""
    row = tx.conn.execute(select(inbox).where(inbox.c.key == key)).mappings().first()
    return _ask(row) if row else None


def state(tx: Tx, key: str) -> str | None:
    """The ask's state, or None when it was never stored."""
    return tx.conn.execute(select(inbox.c.state).where(inbox.c.key == key)).scalar()


def blank_urls(tx: Tx) -> int:
    """Forget response_urls older than Slack honours them."""
    old = inbox.c.received_at < tx.now - RESPONSE_URL_LIFE
    statement = update(inbox).where(inbox.c.response_url.is_not(None), old).values(response_url=None)
    return tx.conn.execute(statement).rowcount


def _ask(row: RowMapping) -> Ask:
    return Ask(
        key=row["key"], kind=row["kind"], line=row["line"], account_kind=row["account_kind"], account=row["account"],
        via=row["via"], values=row["values"], team=row["team"], channel=row["channel"], message_ts=row["message_ts"],
        response_url=row["response_url"], received_at=row["received_at"], attempts=row["attempts"],
    )  # fmt: skip
