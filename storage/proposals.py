"""Words for the public that wait for a second person: kept as events of the incident, and what became of them.

Belongs here: writing and reading them. Does not belong here: which words need a second person (the policy), sending
(a run), the card they stand on (bot/render/public.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage import cards, timeline
from storage.db import Tx
from storage.timeline import Entry, Event

CARD = "public"
OPEN, RELEASED, REPLACED = "open", "released", "replaced"


@dataclass(frozen=True)
class Proposal:
    """Words somebody wants said outside.

    what: "page" (the first word of the status page), "update" (of it) or "mail"; state: open, released or replaced (by
    newer words); text and subject: as people outside would read them; values: what the mail's template is given.
    """

    incident: str
    seq: int
    what: str
    by: str
    at: datetime
    subject: str
    text: str
    status: str
    to: str
    template: str
    values: dict[str, str]
    erased: bool
    state: str
    released_by: str | None
    released_at: datetime | None

    @property
    def id(self) -> str:
        """INC-42/17: the subject of its card."""
        return f"{self.incident}/{self.seq}"


def propose(
    tx: Tx, incident: str, what: str, *, by: str, draft: str, subject: str, text: str, status: str = "", to: str = "",
    template: str = "", values: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """Keep words that wait for a second person, and want their card; returns the event's number.

    Call `redraw` first: cards are locked before the stream's head.
    """
    body = {"what": what, "draft": draft, "status": status, "to": to, "template": template}
    texts = {"subject": subject, "text": text, "values": json.dumps(dict(values or {}), ensure_ascii=False)}
    seq = timeline.append(tx, incident, Entry("public.proposed", by, body, texts))[0]
    cards.want(tx, CARD, f"{incident}/{seq}", incident)
    return seq


def redraw(tx: Tx, incident: str) -> None:
    """Newer words come now, or the end does: the cards of those that still wait are drawn again."""
    for one in every(tx, incident):
        if one.state == OPEN:
            cards.want(tx, CARD, one.id, incident)


def release(tx: Tx, found: Proposal, *, by: str) -> int:
    """Write down that a second person lets them go; returns the event's number."""
    body = {"proposal": found.seq, "what": found.what}
    for kind, subject in ((CARD, found.id), ("board", found.incident)):
        cards.want(tx, kind, subject, found.incident)
    if cards.get(tx, "status_page", found.incident):
        cards.want(tx, "status_page", found.incident, found.incident)
    return timeline.append(tx, found.incident, Entry("public.released", by, body))[0]


def held(tx: Tx, incident: str) -> bool:
    """Whether an update of the status page waits: what was told last is not what the page says."""
    return any(one.what == "update" and one.state == OPEN for one in every(tx, incident))


def get(tx: Tx, incident: str, seq: int) -> Proposal | None:
    """The words of this event, or None where it is none of these."""
    return next((one for one in every(tx, incident) if one.seq == seq), None)


def every(tx: Tx, incident: str) -> list[Proposal]:
    """All of an incident, oldest first."""
    found = timeline.read(tx, incident, types=("public.proposed", "public.released", "incident.update"))
    released = {int(e.body["proposal"]): e for e in found if e.type == "public.released"}
    return [_read(e, found, released.get(e.seq)) for e in found if e.type == "public.proposed"]


def _read(event: Event, others: list[Event], released: Event | None) -> Proposal:
    what = str(event.body["what"])
    state = RELEASED if released else REPLACED if _replaced(event, what, others) else OPEN
    erased = any(value is None for value in event.texts.values())
    values: dict[str, Any] = {} if erased else json.loads(event.text("values") or "{}")
    return Proposal(
        event.stream, event.seq, what, event.actor, event.at, event.text("subject"), event.text(),
        str(event.body.get("status") or ""), str(event.body.get("to") or ""), str(event.body.get("template") or ""),
        {str(name): str(value) for name, value in values.items()}, erased, state,
        released.actor if released else None, released.at if released else None,
    )  # fmt: skip


def _replaced(event: Event, what: str, others: list[Event]) -> bool:
    """Newer words for the same place; letters replace nothing."""
    if what == "mail":
        return False
    newer = [other for other in others if other.seq > event.seq]
    if what == "update" and any(other.type == "incident.update" for other in newer):
        return True
    return any(other.type == "public.proposed" and other.body["what"] == what for other in newer)
