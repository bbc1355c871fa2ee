"""Kept texts: post-mortem drafts and other files Muster wrote, each under the key that asked for it.

Belongs here: keeping and finding them. Does not belong here: building a text (its own module), sending it anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from storage.db import Tx
from storage.sql import insert_or
from storage.tables import documents


@dataclass(frozen=True)
class Document:
    """One kept text. name: as people see it; key: what asked for it; sha256: of the UTF-8 body, hex."""

    id: str
    stream: str
    name: str
    key: str
    body: str
    sha256: str
    created_at: datetime


def keep(tx: Tx, *, stream: str, name: str, key: str, body: str) -> Document:
    """Keep a text. The same key gives the document that was kept first, whatever the body is now."""
    row = {
        "id": f"doc-{secrets.token_hex(8)}", "stream": stream, "name": name, "key": key, "body": body,
        "sha256": hashlib.sha256(body.encode()).hexdigest(), "created_at": tx.now,
    }  # fmt: skip
    tx.conn.execute(insert_or(tx, documents).values(row).on_conflict_do_nothing(index_elements=["key"]))
    kept = by_key(tx, key)
    assert kept is not None
    return kept


def get(tx: Tx, id: str) -> Document | None:
    """A kept text by its id."""
    return _one(tx, _all().where(documents.c.id == id))


def by_key(tx: Tx, key: str) -> Document | None:
    """The text kept for this key, or None."""
    return _one(tx, _all().where(documents.c.key == key))


def of_stream(tx: Tx, stream: str) -> list[Document]:
    """Everything kept for an incident, oldest first."""
    query = _all().where(documents.c.stream == stream).order_by(documents.c.created_at, documents.c.id)
    return [Document(**row) for row in tx.conn.execute(query).mappings()]


def _all() -> Select[tuple[object, ...]]:
    return select(*[documents.c[name] for name in Document.__dataclass_fields__])


def _one(tx: Tx, query: Select[tuple[object, ...]]) -> Document | None:
    row = tx.conn.execute(query).mappings().first()
    return Document(**row) if row else None
