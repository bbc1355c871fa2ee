"""Second factors and what they proved: one sealed TOTP secret per person, and one row per code that was right.

A factor is pending (shown, not confirmed) -> active -> revoked; a revoked one may be offered anew. Belongs here: these
rows, their moves, and the `org` events that tell them. Does not belong here: codes and their arithmetic
(playbooks/step_up.py), who may turn a factor off (commands/playbook/mfa.py). No secret and no code stands in an event.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from storage.db import Tx
from storage.sql import insert_or
from storage.tables_guard import factors, proofs
from storage.timeline import ORG, Entry, append

PENDING, ACTIVE, REVOKED = "pending", "active", "revoked"
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
# Of a pending factor: its picture was fetched. Steps of codes are far above (58 million in 2026).
SHOWN = 1


@dataclass(frozen=True)
class Factor:
    """One person's factor. secret: sealed; last_step: of the last code taken (30 s each); failures: since the last."""

    person: str
    secret: str
    state: str
    last_step: int
    failures: int
    locked_until: datetime | None
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True)
class Proof:
    """A code that was right, for one ask. method: totp; used_at: when something was decided with it."""

    id: str
    person: str
    method: str
    ask: str
    at: datetime
    used_at: datetime | None


def get(tx: Tx, person: str, *, lock: bool = False) -> Factor | None:
    """A person's factor, whatever its state. lock: so that two codes are judged one after the other."""
    query = select(*[factors.c[name] for name in Factor.__dataclass_fields__]).where(factors.c.person == person)
    row = tx.conn.execute(query.with_for_update() if lock else query).mappings().first()
    return Factor(**row) if row else None


def offer(tx: Tx, person: str, sealed: str) -> bool:
    """Keep a new secret until a first code confirms it. False: an active factor is there and stays."""
    fresh = {"secret": sealed, "state": PENDING, "last_step": 0, "created_at": tx.now, "confirmed_at": None}
    statement = insert_or(tx, factors).values(person=person, failures=0, locked_until=None, **fresh)
    # Failures and a lock stay: asking for a new secret is no way around them.
    statement = statement.on_conflict_do_update(index_elements=["person"], set_=fresh, where=factors.c.state != ACTIVE)
    return tx.conn.execute(statement.returning(factors.c.person)).first() is not None


def shown(tx: Tx, person: str, sealed: str) -> bool:
    """Mark the pending secret's picture as fetched. False: it was, or this secret is not pending any more."""
    mine = (factors.c.person == person, factors.c.secret == sealed, factors.c.state == PENDING)
    statement = update(factors).where(*mine, factors.c.last_step == 0).values(last_step=SHOWN)
    return tx.conn.execute(statement).rowcount == 1


def advance(tx: Tx, person: str, step: int) -> bool:
    """Take the code of this time step: each is good once, and never one before the last. False: it was taken."""
    free = or_(factors.c.locked_until.is_(None), factors.c.locked_until <= tx.now)
    mine = (factors.c.person == person, factors.c.state.in_((PENDING, ACTIVE)), factors.c.last_step < step, free)
    values = {"last_step": step, "failures": 0, "locked_until": None}
    return tx.conn.execute(update(factors).where(*mine).values(**values)).rowcount == 1


def failed(tx: Tx, person: str, why: str) -> datetime | None:
    """Write down a code that was not taken. why: wrong (counted: five lock), replayed or locked. Until when: locked."""
    append(tx, ORG, Entry("factor.failed", person, {"person": person, "why": why}))
    if why != "wrong":
        return None
    mine = factors.c.person == person
    counted = update(factors).where(mine).values(failures=factors.c.failures + 1).returning(factors.c.failures)
    if tx.conn.execute(counted).scalar_one() < MOST_FAILURES:
        return None
    until = tx.now + LOCKED_FOR
    tx.conn.execute(update(factors).where(mine).values(failures=0, locked_until=until))
    append(tx, ORG, Entry("factor.locked", "muster", {"person": person, "until": until}))
    return until


def confirm(tx: Tx, person: str) -> bool:
    """pending -> active: its owner showed a right code. An event on the person's account."""
    mine = (factors.c.person == person, factors.c.state == PENDING)
    if tx.conn.execute(update(factors).where(*mine).values(state=ACTIVE, confirmed_at=tx.now)).rowcount != 1:
        return False
    append(tx, ORG, Entry("factor.enrolled", person, {"person": person, "method": "totp"}))
    return True


def revoke(tx: Tx, person: str, by: str, *, decision: str | None = None) -> bool:
    """active -> revoked, and the secret is gone. decision: the one of two people that reset it, None: its owner did."""
    mine = (factors.c.person == person, factors.c.state == ACTIVE)
    values = {"state": REVOKED, "secret": "", "failures": 0, "locked_until": None}
    if tx.conn.execute(update(factors).where(*mine).values(**values)).rowcount != 1:
        return False
    append(tx, ORG, Entry("factor.revoked", by, {"person": person, "decision": decision}))
    return True


# --- proofs ---------------------------------------------------------------------------------------------------------


def prove(tx: Tx, person: str, method: str, ask: str) -> str:
    """Keep that this person proved themselves for this ask; the proof's id."""
    id = f"proof-{secrets.token_hex(10)}"
    row = {"id": id, "person": person, "method": method, "ask": ask, "at": tx.now, "used_at": None}
    tx.conn.execute(insert_or(tx, proofs).values(row))
    return id


def proof(tx: Tx, id: str) -> Proof | None:
    """One proof."""
    query = select(*[proofs.c[name] for name in Proof.__dataclass_fields__]).where(proofs.c.id == id)
    row = tx.conn.execute(query).mappings().first()
    return Proof(**row) if row else None


def use(tx: Tx, id: str) -> bool:
    """Mark a proof used. False: it was."""
    mine = (proofs.c.id == id, proofs.c.used_at.is_(None))
    return tx.conn.execute(update(proofs).where(*mine).values(used_at=tx.now)).rowcount == 1
