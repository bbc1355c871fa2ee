"""Erasing words: one event's texts, for good. The chain keeps their salted digests and stays valid.

Belongs here: emptying the texts (the database allows nothing else), the same words in other texts of the stream, the
entry that says who had it done and why. Does not belong here: copies beside the chain (copies.py), who may decide
(playbooks/engine/decisions/redact.py), erasing a person (forgetting.py), what other services keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select, tuple_, update

from storage import cards, copies
from storage.db import Tx
from storage.incident_rows import Impossible
from storage.tables import cards as card_rows
from storage.tables import events, texts
from storage.timeline import Entry, append

Key = tuple[str, int, str]
"""stream, event number, field: which text."""


@dataclass(frozen=True)
class Redacted:
    """What was erased. fields: of the event itself; also: numbers of other events that held the same words."""

    stream: str
    seq: int
    type: str
    fields: tuple[str, ...]
    also: tuple[int, ...]
    copies: int


def redactable(tx: Tx, stream: str, seq: int) -> tuple[str, dict[str, str]]:
    """Type and texts of an event that can be erased. Raises Impossible when there is none."""
    kind = tx.conn.execute(select(events.c.type).where(events.c.stream == stream, events.c.seq == seq)).scalar()
    if kind is None:
        raise Impossible(f"{stream} has no event {seq}.", todo=f"`/incident timeline {stream}` shows their numbers.")
    query = select(texts.c.field, texts.c.text).where(texts.c.stream == stream, texts.c.seq == seq)
    found = {row.field: row.text for row in tx.conn.execute(query)}
    if left := {field: text for field, text in found.items() if text is not None}:
        return kind, left
    why = "is erased already" if found else "holds no words of anybody, only machine words"
    raise Impossible(f"Event {seq} of {stream} {why}; nothing was changed.")


def redact(tx: Tx, stream: str, seq: int, *, asked_by: str, decision: str, by: Sequence[str], reason: str) -> Redacted:
    """Erase an event's texts and every copy of them. by: who decided. Raises Impossible when there is nothing to."""
    kind, found = redactable(tx, stream, seq)
    copied = sum(copies.erase(tx, stream, text) for text in found.values())
    same = _same_words(tx, stream, found.values())
    mine = {(stream, seq, field) for field in found}
    empty(tx, mine | same)
    also = tuple(sorted({one[1] for one in same - mine}))
    body = {
        "event": seq, "of": kind, "fields": sorted(found), "also": list(also), "copies": copied,
        "decision": decision, "asked_by": asked_by, "by": sorted(by),
    }  # fmt: skip
    append(tx, stream, Entry("text.redacted", asked_by, body, {"reason": reason}))
    redraw(tx, stream)
    return Redacted(stream, seq, kind, tuple(sorted(found)), also, copied)


def _same_words(tx: Tx, stream: str, said: Iterable[str]) -> set[Key]:
    found: set[Key] = set()
    for text in said:
        words = copies.Words(text)
        query = select(texts.c.seq, texts.c.field, texts.c.text)
        rows: Iterable[Row[tuple[int, str, str]]] = tx.conn.execute(
            query.where(texts.c.stream == stream, texts.c.text.is_not(None), words.maybe(texts.c.text))
        )
        found |= {(stream, row.seq, row.field) for row in rows if row.text in words}
    return found


def empty(tx: Tx, keys: Iterable[Key]) -> int:
    """Erase these texts: the words and the salt, so that the digest that stays says nothing of them."""
    wanted = sorted(keys)
    done = 0
    for start in range(0, len(wanted), 200):
        mine = tuple_(texts.c.stream, texts.c.seq, texts.c.field).in_(wanted[start : start + 200])
        emptied = update(texts).where(mine, texts.c.text.is_not(None))
        done += tx.conn.execute(emptied.values(text=None, salt=None, erased_at=tx.now)).rowcount
    return done


def redraw(tx: Tx, stream: str) -> None:
    """Every card of a stream that was asked for is drawn again, from what is left."""
    for row in tx.conn.execute(select(card_rows.c.kind, card_rows.c.subject).where(card_rows.c.stream == stream)).all():
        cards.want(tx, row.kind, row.subject, stream)
