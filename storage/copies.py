"""Copies of a typed text: everywhere beside the chain where the same words may stand again, and taking them out there.

Belongs here: the list of places, what counts as the same words, replacing them. Does not belong here: who may ask for
it, the text of the event itself and its entry (erasing.py). Words only: no status is changed, and no playbook text.

What counts: a value that *is* the text, or one that contains it where the text is at least `LONG` characters (a note
"ok" would else erase half the record). Compared as people read it: Slack's escapes undone, spaces and case evened out.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, ColumnElement, Table, Text, and_, cast, or_, select, update

from storage.db import Tx
from storage.tables import approvals, documents, inbox, incidents, replies, runs, steps, votes
from storage.tables_guard import decisions, holds, reviews

ERASED = "(erased)"
LONG, CUT = 8, 60
_LINK = re.compile(r"<([^|>\s]+)(?:\|[^>]*)?>")
_WORD = re.compile(r"[a-z0-9]{3,}")


@dataclass(frozen=True)
class _Place:
    """Columns of one table that may hold people's words. of: which rows belong to a stream; None: any row may."""

    table: Table
    columns: tuple[str, ...]
    of: str | None


PLACES = (
    _Place(incidents, ("title", "resolution", "latest_update", "facts"), "id"),
    _Place(runs, ("inputs", "reason", "stop_asked"), "stream"),
    _Place(steps, ("params", "plan", "outputs", "question", "answer", "note", "error"), "run"),
    _Place(approvals, ("covers", "plan", "reason"), "run"),
    _Place(votes, ("reason",), "approval"),
    _Place(reviews, ("reason",), "run"),
    _Place(decisions, ("body", "reason"), "stream"),
    _Place(holds, ("reason",), "stream"),
    _Place(documents, ("body",), "stream"),
    _Place(inbox, ("line", "values"), None),
    _Place(replies, ("body",), None),
)


class Words:
    """A text that is to be found again wherever it was copied."""

    def __init__(self, text: str) -> None:
        self.whole = plain(text)
        quoted = [json.dumps(text, ensure_ascii=ascii)[1:-1] for ascii in (False, True)]  # as it stands inside JSON
        parts = [plain(said) for said in (text, *quoted, *text.splitlines(), _slug(text))]
        self.parts = tuple(dict.fromkeys(part[:CUT] for part in parts if len(part) >= LONG))
        rare = max(_WORD.findall(self.whole[:CUT]), key=len, default="")
        self._rare = "" if len(text.splitlines()) > 1 else rare  # a line of several need not hold the longest word

    def __contains__(self, value: str) -> bool:
        said = plain(value)
        if said and (said == self.whole or any(part in said for part in self.parts)):
            return True
        return value[:1] in ("{", "[") and any(leaf in self for leaf in _leaves(value))

    def maybe(self, column: Any) -> ColumnElement[bool]:
        """What the database can sort out beforehand: a plain word of the text stands in every copy as it is."""
        said = cast(column, Text)
        return said.ilike(f"%{self._rare}%") if self._rare else said.is_not(None)


def _slug(text: str) -> str:
    """As a channel's name spells it: `jon-moeller-cannot-pay`."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in letters if not unicodedata.combining(c))).strip("-")


def _leaves(packed: str) -> Iterator[str]:
    """Every text inside a value that is itself JSON."""
    try:
        todo = [json.loads(packed)]
    except (ValueError, RecursionError):
        return
    while todo:
        one = todo.pop()
        if isinstance(one, str) and one[:1] not in ("{", "["):
            yield one
        elif isinstance(one, dict | list):
            todo += list(one.values()) if isinstance(one, dict) else one


def plain(text: str) -> str:
    """As people read it: Slack's escapes and links undone, spaces and case evened out."""
    return " ".join(html.unescape(_LINK.sub(r"\1", html.unescape(text))).split()).lower()


def erase(tx: Tx, stream: str, text: str) -> int:
    """Take every copy of a text out of what stands beside a stream; returns how many rows were changed."""
    words, changed = Words(text), 0
    for place in PLACES:
        for row in _rows(tx, place, stream, words):
            values = {name: _kept(place, name, row[name], words) for name in place.columns}
            if changes := {name: value for name, value in values.items() if value != row[name]}:
                changed += 1
                _write(tx, place.table, row, changes)
    return changed


def _rows(tx: Tx, place: _Place, stream: str, words: Words) -> Iterator[Any]:
    table = place.table
    keys = list(table.primary_key.columns)
    query = select(*keys, *[table.c[name] for name in place.columns])
    query = query.where(or_(*[words.maybe(table.c[name]) for name in place.columns]))
    mine = select(runs.c.id).where(runs.c.stream == stream)
    if place.of == "run":
        query = query.where(table.c.run.in_(mine))
    elif place.of == "approval":
        query = query.where(table.c.approval.in_(select(approvals.c.id).where(approvals.c.run.in_(mine))))
    elif place.of is not None:
        query = query.where(table.c[place.of] == stream)
    yield from tx.conn.execute(query.order_by(*keys)).mappings().all()


def _kept(place: _Place, name: str, value: Any, words: Words) -> Any:
    """What stays of one column."""
    if place.table is documents:
        return "\n".join(ERASED if line in words else line for line in value.split("\n"))
    if name == "line":  # which command it was stays
        return f"{' '.join(value.split()[:2])} {ERASED}" if value in words or _argument(value) in words else value
    return _without(value, words)


def _without(value: Any, words: Words) -> Any:
    if isinstance(value, str):
        return ERASED if value in words else value
    if isinstance(value, dict):
        return {key: _without(item, words) for key, item in value.items()}
    return [_without(item, words) for item in value] if isinstance(value, list) else value


def scrub(tx: Tx, word: str, put: str) -> int:
    """Put something else in the place of one word (an account's id, an address), in every stream; returns the rows."""
    whole, changed = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])"), 0
    for place in PLACES:
        table, keys = place.table, list(place.table.primary_key.columns)
        names = [table.c[name] for name in place.columns]
        query = select(*keys, *names).where(or_(*[cast(name, Text).contains(word, autoescape=True) for name in names]))
        for row in tx.conn.execute(query).mappings().all():
            values = {name: _swapped(row[name], whole, put) for name in place.columns}
            if changes := {name: value for name, value in values.items() if value != row[name]}:
                changed += 1
                _write(tx, table, row, changes)
    return changed


def _swapped(value: Any, word: re.Pattern[str], put: str) -> Any:
    if isinstance(value, str):
        return word.sub(put, value)
    if isinstance(value, dict):
        return {key: _swapped(item, word, put) for key, item in value.items()}
    return [_swapped(item, word, put) for item in value] if isinstance(value, list) else value


def _argument(line: str) -> str:
    """What follows the words of a command: a short text is found there too."""
    return " ".join(line.split()[2:])


def _write(tx: Tx, table: Table, row: Any, changes: dict[str, Any]) -> None:
    mine = and_(*[column == row[column.name] for column in table.primary_key.columns])
    values = dict(changes)
    if table is documents:
        values["sha256"] = hashlib.sha256(values["body"].encode()).hexdigest()
    if "revision" in table.c:
        values["revision"] = table.c.revision + 1
    assert all(name in ("sha256", "revision") or isinstance(table.c[name].type, JSON | Text) for name in values)
    tx.conn.execute(update(table).where(mine).values(**values))
