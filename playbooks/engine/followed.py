"""What became of a post-mortem's action items: its follow-ups as they stand, put below what people wrote there.

Belongs here: that table, drawn anew whenever the text is read, shared or written to a file. Does not belong here: the
versions people wrote (storage/post_mortems.py), which it is never part of; what follow-ups are (storage/followups.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from playbooks.engine import action_items
from playbooks.engine.post_mortem_sections import added, sections
from playbooks.engine.post_mortem_words import plain, table
from storage import followups, people
from storage.db import Tx
from storage.followups import RETROSPECTIVE, FollowUp

HEADS = ["follow-up", "what", "owner", "due", "issue", "stands"]


def as_it_stands(tx: Tx, incident: str, body: str) -> str:
    """The text with its follow-ups of this moment; as it is where there are none."""
    mine = followups.of_incident(tx, incident)
    persons = {person for one in mine for person in (one.owner, one.done_by) if person}
    return with_follow_ups(body, mine, people.names(tx, persons), tx.now)


def with_follow_ups(body: str, mine: Sequence[FollowUp], names: Mapping[str, str], now: datetime) -> str:
    """The same, pure. names: person -> name."""
    if not mine:
        return body
    rows = [_row(one, names, now) for one in sorted(mine, key=lambda one: one.name == RETROSPECTIVE)]
    said = "\n".join([f"**Followed until done**, as of {now:%-d %b %Y %H:%M} UTC:", "", *table(HEADS, rows)])
    if any(one.slug == action_items.SECTION for one in sections(body)):
        return added(body, action_items.SECTION, said)
    return f"{body.rstrip()}\n\n## Follow-ups\n\n{said}\n"


def _row(one: FollowUp, names: Mapping[str, str], now: datetime) -> list[str]:
    issue = f"[{one.ticket}]({one.ticket_url})" if one.ticket and one.ticket_url else plain(one.ticket) or "—"
    if one.lost:
        issue += " (not shown any more)"
    owner = plain(names.get(one.owner) or one.owner)
    what = "the retrospective is held" if one.name == RETROSPECTIVE else plain(one.what)
    return [one.name, what, owner, f"{one.due_at:%-d %b %Y}", issue, _stands(one, names, now)]


def _stands(one: FollowUp, names: Mapping[str, str], now: datetime) -> str:
    if one.done_at is None:
        return "**overdue**" if one.due_at < now else "open"
    by = "in Jira" if one.done_by == "muster" else f"by {plain(names.get(one.done_by or '') or str(one.done_by))}"
    return f"done {one.done_at:%-d %b %Y} {by}"
