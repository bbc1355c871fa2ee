"""`/services`: every service of the policy with its tier and objectives, where it is active, and what is open on it.

Belongs here: reading for this page. Does not belong here: what a service is (playbooks/policy_services.py).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.web.site import Visit
from playbooks.engine.placing import active_site
from playbooks.policy import Service
from storage import incidents, people, placements
from storage.db import Tx
from storage.incidents import Incident


async def show(visit: Visit) -> web.StreamResponse:
    """GET /services"""

    def read(tx: Tx) -> list[dict[str, Any]]:
        policy = visit.site.house.policy
        open_ = [one for one in incidents.open_ones(tx) if visit.sees(tx, one)]
        order = sorted(policy.services.values(), key=lambda one: (one.tier, one.recovery_order or 99, one.name))
        return [_service(tx, visit, one, open_) for one in order]

    return visit.site.html(visit, "services.html", services=await visit.site.db.read(read))


def _service(tx: Tx, visit: Visit, one: Service, open_: list[Incident]) -> dict[str, Any]:
    policy = visit.site.house.policy
    active = active_site(tx, policy, one.name)
    pages = one.pagerduty.escalation_policy
    moves = [
        {"at": m.at, "site": _site(visit, m.site), "was": _site(visit, m.was), "run": m.run}
        for m in reversed(placements.history(tx, one.name)[-5:])
        if _may(tx, visit, m.run.partition("/")[0])
    ]
    return {
        "name": one.name, "title": one.title or one.name, "tier": one.tier, "rto": one.rto, "rpo": one.rpo,
        "owners": one.owners, "active": _site(visit, active), "home": _site(visit, one.site),
        "away": bool(active and one.site and active != one.site),
        "on_call": [f"{who.name} (level {who.level})" for who in people.on_call(tx, pages)] if pages else [],
        "pages": pages or "", "open": [(i.id, i.title, i.severity) for i in open_ if i.service == one.name],
        "moves": moves,
    }  # fmt: skip


def _may(tx: Tx, visit: Visit, incident: str) -> bool:
    """A move by a run of a private incident names it: for those who may know of it."""
    found = incidents.get(tx, incident)
    return found is None or visit.sees(tx, found)


def _site(visit: Visit, name: str | None) -> str:
    known = visit.site.house.policy.sites.get(name) if name else None
    return (known.title or known.name or str(name)) if known else str(name or "")
