"""Who is signed in to the pages: a cookie only the browser knows, its digest here, an account behind it, two ends.

A session ends when nobody used it for `IDLE`, at the latest after `LIFE`, or when its person signs out. Its cookie is
replaced every `ROTATE`; the one before is good for `GRACE` more, since a page asks for several things at once.
Belongs here: these rows and their `org` events. Does not belong here: cookies and headers (bot/web), who an account is
(playbooks/directory.py): that is asked each time, so whoever is deactivated is out at once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from storage.db import Tx
from storage.tables_sessions import sessions
from storage.timeline import ORG, Entry, append

IDLE = timedelta(hours=12)
LIFE = timedelta(days=7)
ROTATE = timedelta(hours=1)
GRACE = timedelta(seconds=60)
TOUCH = timedelta(minutes=5)  # how stale "seen" may be: a look at a page is not a write each time


@dataclass(frozen=True)
class Session:
    """One signed-in browser. id: names it in the record and opens nothing; csrf: what its forms carry."""

    id: str
    account: str
    csrf: str
    created_at: datetime
    rotated_at: datetime
    seen_at: datetime
    expires_at: datetime


_NAMES = tuple(Session.__dataclass_fields__)


def digest_of(token: str) -> str:
    """What is kept of a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(tx: Tx, account: str, person: str) -> tuple[Session, str]:
    """Sign somebody in; the session and its cookie. Rows of sessions that are over go with it."""
    tx.conn.execute(delete(sessions).where(_over(tx)))
    token = secrets.token_urlsafe(32)
    found = Session(
        f"S-{secrets.token_hex(8)}", account, secrets.token_urlsafe(24), tx.now, tx.now, tx.now, tx.now + LIFE
    )
    row = {name: getattr(found, name) for name in _NAMES}
    tx.conn.execute(insert(sessions).values(**row, digest=digest_of(token)))
    append(tx, ORG, Entry("session.opened", person, {"session": found.id, "person": person}))
    return found, token


def find(tx: Tx, token: str) -> Session | None:
    """The live session of a cookie, or None."""
    mine = digest_of(token)
    known = or_(sessions.c.digest == mine, (sessions.c.former == mine) & (sessions.c.former_until > tx.now))
    query = select(*[sessions.c[name] for name in _NAMES]).where(known, ~_over(tx))
    row = tx.conn.execute(query).mappings().first()
    return Session(**row) if row else None


def due(tx: Tx, found: Session) -> bool:
    """Whether `use` has anything to write."""
    return tx.now - found.seen_at > TOUCH or tx.now - found.rotated_at > ROTATE


def use(tx: Tx, found: Session, token: str) -> str | None:
    """Write down that it is in use; a new cookie where the old one has served long enough, else None."""
    tx.conn.execute(update(sessions).where(sessions.c.id == found.id).values(seen_at=tx.now))
    if tx.now - found.rotated_at <= ROTATE:
        return None
    fresh = secrets.token_urlsafe(32)
    # Only for who shows the present cookie: of two requests at once one gets the new one, the other goes on in grace.
    mine = (sessions.c.id == found.id, sessions.c.digest == digest_of(token))
    new = {"digest": digest_of(fresh), "former": digest_of(token), "former_until": tx.now + GRACE, "rotated_at": tx.now}
    return fresh if tx.conn.execute(update(sessions).where(*mine).values(**new)).rowcount == 1 else None


def end(tx: Tx, found: Session, person: str | None) -> None:
    """Sign out: its cookies open nothing from now on."""
    if tx.conn.execute(delete(sessions).where(sessions.c.id == found.id)).rowcount:
        append(tx, ORG, Entry("session.ended", person or "muster", {"session": found.id, "person": person}))


def refused(tx: Tx, account: str, why: str, *, person: str | None, seen_as: str | None) -> None:
    """Somebody Slack vouches for who may not have a session."""
    body = {"command": "sign in", "person": person, "seen_as": seen_as, "kind": "slack", "via": "web"}
    append(tx, ORG, Entry("access.refused", person or "muster", body, {"account": account, "why": why}))


def _over(tx: Tx) -> ColumnElement[bool]:
    return or_(sessions.c.expires_at <= tx.now, sessions.c.seen_at <= tx.now - IDLE)
