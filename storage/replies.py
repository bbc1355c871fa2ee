"""The outbox of answers: rows written with the handler's transaction, sent by the worker at least once.

States: waiting -> sent | lost (every route refused). Belongs here: rows and their moves. Does not belong here: how to
send (bot/replies).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from storage.db import Tx
from storage.sql import count_all, insert_or, later, skip_locked
from storage.tables import replies


@dataclass(frozen=True)
class Outgoing:
    """One answer to send. body: `commands.command.Reply.model_dump()`; account: Slack "T1/U1" or a CLI account."""

    id: str
    ask: str | None
    account_kind: str
    account: str
    channel: str | None
    body: dict[str, Any]
    attempts: int
    created_at: datetime


def add(
    tx: Tx,
    *,
    ask: str | None,
    account_kind: str,
    account: str,
    channel: str | None,
    body: Mapping[str, Any],
    delay_s: float = 0.0,
    id: str | None = None,
) -> str:
    """Put an answer into the outbox. With an `id` of the caller's it is added once, however often it is asked."""
    name = id or f"reply-{secrets.token_hex(8)}"
    row = {
        "id": name, "ask": ask, "account_kind": account_kind, "account": account, "channel": channel,
        "body": dict(body), "state": "waiting", "attempts": 0, "not_before": later(tx, delay_s), "created_at": tx.now,
    }  # fmt: skip
    tx.conn.execute(insert_or(tx, replies).values(row).on_conflict_do_nothing(index_elements=[replies.c.id]))
    tx.hint("replies")
    return name


def withdraw(tx: Tx, prefix: str) -> None:
    """Answers whose id begins so and that have not gone out are not sent any more: a later one takes their place."""
    mine = (replies.c.id.startswith(prefix, autoescape=True), replies.c.state == "waiting")
    tx.conn.execute(update(replies).where(*mine).values(state="lost", error="a later word took its place"))


def claim(tx: Tx, owner: str, *, limit: int = 50, lease_s: float = 30.0) -> list[Outgoing]:
    """Take answers that are due, oldest first; one whose sender died is taken again after its lease."""
    query = (
        select(replies)
        .where(replies.c.state == "waiting", replies.c.not_before <= tx.now)
        .where(or_(replies.c.lease_until.is_(None), replies.c.lease_until < tx.now))
        .order_by(replies.c.created_at, replies.c.id)
        .limit(limit)
    )
    rows = tx.conn.execute(skip_locked(query)).mappings().all()
    if rows:
        tx.conn.execute(
            update(replies)
            .where(replies.c.id.in_([row["id"] for row in rows]))
            .values(owner=owner, lease_until=later(tx, lease_s), attempts=replies.c.attempts + 1)
        )
    names = ("id", "ask", "account_kind", "account", "channel", "body", "attempts", "created_at")
    return [Outgoing(**{name: row[name] for name in names}) for row in rows]


def sent(tx: Tx, id: str, route: str) -> None:
    """It was delivered by this route: response_url, ephemeral, direct or terminal."""
    _finish(tx, id, state="sent", route=route, sent_at=tx.now)


def retry(tx: Tx, id: str, error: str, *, in_s: float) -> None:
    """It could not be delivered now; try again later."""
    _finish(tx, id, error=error, not_before=later(tx, in_s), lease_until=None, owner=None)


def lost(tx: Tx, id: str, error: str) -> None:
    """Every route refused for good. Kept, so that it can be seen and counted."""
    _finish(tx, id, state="lost", error=error)


def _finish(tx: Tx, id: str, **values: Any) -> None:
    tx.conn.execute(update(replies).where(replies.c.id == id, replies.c.state == "waiting").values(**values))


def urls_used(tx: Tx, ask: str) -> int:
    """How many of an ask's five response_url uses are spent."""
    query = select(count_all()).where(replies.c.ask == ask, replies.c.route == "response_url")
    return int(tx.conn.execute(query).scalar_one())


def for_ask(tx: Tx, ask: str) -> list[dict[str, Any]]:
    """All answers to an ask in order: {id, body, state, route} (the terminal reads its own answers so)."""
    query = select(replies.c.id, replies.c.body, replies.c.state, replies.c.route, replies.c.not_before)
    rows = tx.conn.execute(query.where(replies.c.ask == ask).order_by(replies.c.created_at, replies.c.id))
    return [dict(row) for row in rows.mappings()]
