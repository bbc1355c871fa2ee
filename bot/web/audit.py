"""`/audit`: every stream of the record, and the check of one chain.

Belongs here: which streams somebody sees, the verdict in words. Does not belong here: the check (storage/verify.py).
The `org` stream (policy, access, who was refused) is for administrators.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.render.html import mrkdwn
from bot.web.site import Visit, Wrong, missing
from commands.events import say
from storage import anchors, incidents, people, timeline, verify
from storage.db import Tx
from storage.timeline import ORG

MOST = 50_000  # events checked while somebody waits for a page
PAGE = 100


async def show(visit: Visit) -> web.StreamResponse:
    """GET /audit?stream=INC-42"""
    stream = visit.request.query.get("stream", "")
    stream = stream if stream == ORG else stream.upper()
    checked = await visit.site.db.read(lambda tx: _check(tx, visit, stream)) if stream else None
    streams = await visit.site.db.read(lambda tx: _streams(tx, visit))
    return visit.site.html(visit, "audit.html", stream=stream, checked=checked, streams=streams)


def _streams(tx: Tx, visit: Visit) -> list[dict[str, Any]]:
    found = [] if not visit.actor.admin else [_stream(tx, ORG, "the organisation's own")]
    for one in incidents.latest(tx, limit=200):
        if visit.sees(tx, one):
            found.append(_stream(tx, one.id, one.title))
    return found


def _stream(tx: Tx, name: str, title: str) -> dict[str, Any]:
    head, held = timeline.head(tx, name), anchors.last(tx, name)
    return {"name": name, "title": title, "events": head.seq, "head": head.short, "anchored": held.seq if held else 0}


def _check(tx: Tx, visit: Visit, stream: str) -> dict[str, Any]:
    if stream == ORG:
        if not visit.actor.admin:
            raise missing("stream")
    else:
        visit.incident(tx, stream)
    head = timeline.head(tx, stream)
    if head.seq > MOST:
        raise Wrong(
            400, f"{stream} has {head.seq} events: too many for a page.", f"Run: muster verify … --anchor {stream}"
        )
    known: dict[str, str] = {}

    def name(person: str) -> str:
        return known.setdefault(person, people.name(tx, person))

    latest = timeline.read(tx, stream, after=max(0, head.seq - PAGE)) if stream == ORG else []
    events = [{"seq": e.seq, "when": e.when, "type": e.type, "said": mrkdwn(say(e, name))} for e in reversed(latest)]
    return {"verdict": verify.check_stream(tx, stream), "head": head, "events": events}
