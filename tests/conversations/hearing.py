"""What comes of lines that people type at one moment: each one's answer, what they see, what changed, what went outside.

Belongs here: typing and looking, and what no refusal may change. Does not belong here: any line (wrong_lines.py,
not_allowed.py), what answers must say (test_refusals.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from storage.db import Tx
from storage.tables import inbox, replies
from tests.conversations.theatre import Stage, rows_of, told_apart

# An attempt is itself on the record: what of it, and which rows that moves.
ATTEMPTS = {
    "playbook approve": {"approval.voted"}, "playbook deny": {"approval.voted"}, "playbook revoke": {"approval.voted"},
    "playbook break-glass": {"approval.break_refused", "factor.failed"}, "playbook review": {"review.refused"},
    "playbook confirm": {"decision.voted"}, "playbook reject": {"decision.voted"},
    "playbook cli": {"factor.failed"}, "playbook mfa": {"factor.failed"},
}  # fmt: skip
MOVED = {"events", "texts", "streams", "cards", "factors", "proofs", "runs"}


@dataclass
class Heard:
    """What came of some lines typed at once. said: line -> answer; shown: what each person then saw, by place."""

    said: dict[tuple[str, str, str], str]
    shown: dict[tuple[str, str], list[str]]
    before: dict[str, Any]
    after: dict[str, Any]
    outside: list[str]


async def typed_at_once(stage: Stage, lines: list[tuple[str, str, str]]) -> Heard:
    """Type (user, channel, line) each at one moment, from the moment's record."""
    sb, db = stage.town.sb, stage.app.db
    last = max((call["number"] for call in await sb.calls()), default=0)
    before = await db.read(rows_of)
    for ack in await sb.type_many(lines):
        assert ack.acked and not ack.body, ack
    await stage.settled()
    said, people = await db.read(lambda tx: _answers(tx, stage.before)), {(user, place) for user, place, _ in lines}
    shown = {}
    for user, place in sorted(people | {(user, f"@{user}") for user, _ in people}):
        shown[user, place] = [m.plain for m in await stage.shown(place, user) if m.ts > stage.since]
    calls = [call for call in await sb.calls(since=last) if call["effect"] and call["service"] != "slack"]
    assert len(said) == len(lines), f"one answer each: {lines} {said}"
    return Heard(said, shown, before, await db.read(rows_of), [f"{c['service']} {c['method']}" for c in calls])


def _answers(tx: Tx, known: set[str]) -> dict[tuple[str, str, str], str]:
    query = select(inbox.c.key, inbox.c.account, inbox.c.channel, inbox.c.line, replies.c.body).join(
        replies, replies.c.ask == inbox.c.key
    )
    rows = [row for row in tx.conn.execute(query) if row.key not in known]
    return {(row.account.rpartition("/")[2], row.line, row.key): str(row.body["text"]) for row in rows}


def unchanged(words: str, heard: Heard, *events: str) -> None:
    """Nothing but what an attempt leaves; nothing outside; as many answers as lines, and none elsewhere."""
    assert heard.outside == []
    direct = [text for (_, place), texts in heard.shown.items() if place.startswith("@") for text in texts]
    assert not direct and sum(map(len, heard.shown.values())) == len(heard.said), "one answer each, where it was typed"
    kinds = {*events, *ATTEMPTS.get(words, ())}
    known = {(row["stream"], row["seq"]) for row in heard.before["events"]}
    new = {row["type"] for row in heard.after["events"] if (row["stream"], row["seq"]) not in known}
    assert new <= kinds, f"only attempts are on the record: {new}"
    moved = {name for name in heard.after if heard.after[name] != heard.before[name]}
    may_move = MOVED if ATTEMPTS.get(words) else {"events", "texts", "streams"} if kinds else set()
    assert moved <= may_move, told_apart(heard.after, heard.before)
    stood, stand = ({row["id"]: row["state"] for row in rows["runs"]} for rows in (heard.before, heard.after))
    assert stood == stand, "no run moved"


def answer_to(heard: Heard, user: str, place: str, line: str) -> str:
    """The one answer to a line, as it is seen there with its buttons. Codes are not kept with a line."""
    bare = _codeless(line.lstrip("/"))
    mine = [text for (by, asked, _), text in heard.said.items() if by == user and _codeless(asked) == bare]
    found = [shown for shown in heard.shown[user, place] for text in mine if shown.startswith(text[:60])]
    assert found, f"{line} has no answer that {user} sees in {place}: {heard.said} {heard.shown}"
    return found[0]


def _codeless(line: str) -> str:
    return re.sub(r"\s*code=\S+", "", line).strip()
