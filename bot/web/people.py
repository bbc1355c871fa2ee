"""`/people`: who is who, for administrators: people, their accounts and groups, and what needs a look.

Belongs here: this page. Does not belong here: changing any of it: joining accounts takes two people (`/playbook join`).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.web.site import Visit, missing
from storage import roster
from storage.db import Tx


async def show(visit: Visit) -> web.StreamResponse:
    """GET /people?words="""
    if not visit.actor.admin:
        raise missing()
    words = visit.request.query.get("words", "").lower().split()

    def read(tx: Tx) -> dict[str, Any]:
        found = roster.everybody(tx)
        fits = [one for one in found if all(word in _words(one) for word in words)]
        return {"people": fits, "total": len(found), "conflicts": roster.conflicts(tx)}

    return visit.site.html(visit, "people.html", words=" ".join(words), **await visit.site.db.read(read))


def _words(one: roster.Known) -> str:
    accounts = " ".join(f"{a.kind} {a.id} {a.state} {a.name or ''}" for a in one.accounts)
    return f"{one.person} {one.name or ''} {accounts} {' '.join(group for group, *_ in one.groups)}".lower()
