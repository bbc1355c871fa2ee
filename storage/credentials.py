"""Enrolled terminals: a token that only its owner's machine knows, its digest here, a person behind it, an end.

Pairing: the terminal makes a short code; its person confirms it where they are known (`allow`), which keeps the code's
digest for ten minutes; the terminal then puts the digest of its own token in that place (`claim`), once. So neither the
code, which was typed into a chat, nor a row of this table is ever a token. Belongs here: these rows, the account of
kind "cli" each of them is, their `org` events. Does not belong here: files on the person's machine (bot/cli_login.py).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from storage import people
from storage.db import Tx
from storage.sql import insert_or
from storage.tables_guard import credentials
from storage.timeline import ORG, Entry, append

PERSON, AUDITOR = "person", "auditor"
LIFE = timedelta(days=30)
PAIRING = timedelta(minutes=10)
_PAIRED = "pairing:"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another; 32, so each is 5 bits


@dataclass(frozen=True)
class Credential:
    """One enrolled terminal. id: also the id of its account; role: person or auditor; label: "ben@bastion"."""

    id: str
    person: str
    digest: str
    label: str
    role: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def claimed(self) -> bool:
        """Whether a terminal has put its token in the place of the pairing code."""
        return not self.digest.startswith(_PAIRED)


def new_token() -> str:
    """A fresh token: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_pairing() -> str:
    """A fresh pairing code, "ABCD-EFGH": seven random letters and one that checks them."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(7))
    return f"{letters[:4]}-{letters[4:]}{_check(letters)}"


def read_pairing(text: str) -> str | None:
    """The code as it was printed, however it is typed; None for a mistyped one."""
    letters = "".join(char for char in text.upper() if char in _LETTERS)
    if len(letters) != 8 or _check(letters[:7]) != letters[7]:
        return None
    return f"{letters[:4]}-{letters[4:]}"


def _check(letters: str) -> str:
    return _LETTERS[hashlib.sha256(letters.encode()).digest()[0] % len(_LETTERS)]


def _pairing_digest(pairing: str) -> str:
    return _PAIRED + digest_of(pairing)


def allow(tx: Tx, person: str, pairing: str, *, role: str = PERSON, life: timedelta = LIFE) -> Credential | None:
    """Let the terminal that shows this code be this person's, if it claims so soon. None: the code is taken.

    life: from now until it ends; kept beside the row's own end until it is claimed.
    """
    id = f"cli-{base64.b32encode(secrets.token_bytes(10)).decode()[:12].lower()}"
    row = {
        "id": id, "person": person, "digest": _pairing_digest(pairing), "label": f"{int(life.total_seconds())}",
        "role": role, "created_at": tx.now, "expires_at": tx.now + PAIRING, "last_used_at": None, "revoked_at": None,
    }  # fmt: skip
    statement = insert_or(tx, credentials).values(row).on_conflict_do_nothing(index_elements=["digest"])
    if tx.conn.execute(statement.returning(credentials.c.id)).first() is None:
        return None
    append(tx, ORG, Entry("credential.allowed", person, {"person": person, "credential": id, "role": role}))
    return Credential(**row)  # type: ignore[arg-type]


def claim(tx: Tx, pairing: str, token: str, label: str) -> Credential | None:
    """The terminal puts its own token's digest in the place of the code's, once. None: nobody allowed it (yet)."""
    found = _one(tx, _pairing_digest(pairing))
    if found is None or found.revoked_at is not None or found.expires_at <= tx.now:
        return None
    ends = found.created_at + timedelta(seconds=int(found.label))
    mine = (credentials.c.id == found.id, credentials.c.digest == found.digest)
    values = {"digest": digest_of(token), "label": label, "expires_at": ends}
    if tx.conn.execute(update(credentials).where(*mine).values(**values)).rowcount != 1:
        return None
    people.believe(tx, people.CLI, found.id, state=people.MEMBER, person=found.person)
    body = {"person": found.person, "credential": found.id, "role": found.role, "expires_at": ends}
    append(tx, ORG, Entry("credential.enrolled", found.person, body, {"label": label}))
    return get(tx, found.id)


def allowed(tx: Tx, pairing: str) -> bool:
    """Whether somebody has confirmed this code: then it may be claimed."""
    return _one(tx, _pairing_digest(pairing)) is not None


def get(tx: Tx, id: str) -> Credential | None:
    """One, whatever its state."""
    query = select(*[credentials.c[name] for name in Credential.__dataclass_fields__]).where(credentials.c.id == id)
    row = tx.conn.execute(query).mappings().first()
    return Credential(**row) if row else None


def find(tx: Tx, token: str) -> Credential | None:
    """The credential of a token that is good now; None: unknown, expired or revoked."""
    found = _one(tx, digest_of(token))
    return found if found is not None and found.revoked_at is None and found.expires_at > tx.now else None


def use(tx: Tx, token: str) -> Credential | None:
    """The same, and write down that it was used."""
    found = find(tx, token)
    if found is not None:
        tx.conn.execute(update(credentials).where(credentials.c.id == found.id).values(last_used_at=tx.now))
    return found


def of_person(tx: Tx, person: str) -> list[Credential]:
    """A person's terminals that are good now, oldest first."""
    query = select(*[credentials.c[name] for name in Credential.__dataclass_fields__])
    query = query.where(credentials.c.person == person, credentials.c.revoked_at.is_(None))
    rows = tx.conn.execute(query.where(credentials.c.expires_at > tx.now).order_by(credentials.c.created_at))
    return [Credential(**row) for row in rows.mappings()]


def revoke(tx: Tx, id: str, by: str) -> bool:
    """End one at once. False: it had ended."""
    statement = update(credentials).where(credentials.c.id == id, credentials.c.revoked_at.is_(None))
    if tx.conn.execute(statement.values(revoked_at=tx.now)).rowcount != 1:
        return False
    found = get(tx, id)
    assert found is not None
    if people.account(tx, people.CLI, id) is not None:
        people.believe(tx, people.CLI, id, state=people.DEACTIVATED, person=found.person)
    body = {"person": found.person, "credential": id, "role": found.role}
    append(tx, ORG, Entry("credential.revoked", by, body))
    return True


def _one(tx: Tx, digest: str) -> Credential | None:
    query = select(*[credentials.c[name] for name in Credential.__dataclass_fields__])
    row = tx.conn.execute(query.where(credentials.c.digest == digest)).mappings().first()
    return Credential(**row) if row else None
