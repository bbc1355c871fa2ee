"""PagerDuty says something about a page: acknowledged and resolved flow into the incident.

The first acknowledger becomes interim commander. A resolved alert is noted and never resolves the incident: people do.
Belongs here: reading a v3 webhook (contract C3). Does not belong here: its signature (bot/web), asking PagerDuty back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from commands.house import House
from playbooks.policy import Policy
from storage import incidents
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident

SOURCE = "pagerduty"
NOTED = ("resolved", "unacknowledged", "reopened", "escalated", "reassigned", "delegated")
FIRES = ("triggered", "reopened")
_KEY = re.compile(r"muster/(INC-\d+)")
_OWN = re.compile(r"muster/")  # every page of ours has a key of ours


@dataclass(frozen=True)
class Said:
    """One webhook, read. kind: "acknowledged"; at: PagerDuty's own time; user: PagerDuty id of who did it, or ""."""

    kind: str
    at: datetime | None
    user: str
    page: str
    key: str
    url: str


def read(values: Mapping[str, Any]) -> Said:
    """A v3 body (`{"event": {...}}`, or the event itself). What is missing is ""."""
    event = _map(values.get("event")) or _map(values)
    data, agent = _map(event.get("data")), _map(event.get("agent"))
    user = str(agent.get("id") or "") if "user" in str(agent.get("type") or "user") else ""
    key = str(data.get("incident_key") or values.get("incident_key") or "")
    return Said(
        kind=str(event.get("event_type") or "").rpartition(".")[2],
        at=_time(event.get("occurred_at")),
        user=user,
        page=str(data.get("id") or ""),
        key=key,
        url=str(data.get("html_url") or ""),
    )


async def before(ask: Ask, house: House) -> None:
    """Learn who the acknowledger is, when rows do not know: on-call people are looked up with their accounts."""
    said = read(ask.values)
    if said.kind != "acknowledged" or not said.user:
        return

    def unknown(tx: Tx) -> str | None:
        found = find(tx, said)
        known = person(tx, house, said.user)
        return found.service if found and not known else None

    if service := await house.db.read(unknown):
        await house.directory.refresh_oncall(house.policy, service)


def act(tx: Tx, house: House, ask: Ask) -> bool:
    """Write it down; False when the page is none of ours."""
    said = read(ask.values)
    found = find(tx, said)
    if found is None:
        return False
    if said.page and found.facts.get("page") != said.page:
        incidents.set_facts(tx, found.id, {"page": said.page, **({"page_url": said.url} if said.url else {})})
    ref = said.page or None
    if said.kind == "acknowledged":
        who = person(tx, house, said.user)
        role = commander(house.policy)
        incidents.acknowledge(tx, found.id, person=who, source=SOURCE, at=said.at, ref=ref, commander=role)
    elif said.kind in NOTED:
        incidents.alert(tx, found.id, said.kind, source=SOURCE, at=said.at, ref=ref)
    return True


def as_alerts(ask: Ask) -> Ask:
    """A page that is none of ours, in the one shape of alerts (bot/web/alerts.py); any other ask as it is."""
    if ask.line == "alerts":
        return ask
    said, data = read(ask.values), _map(_map(ask.values).get("data"))
    ours = _OWN.match(said.key) is not None
    wanted = (said.kind in FIRES or said.kind == "resolved") and said.page and not ours
    alert: dict[str, Any] = {
        "fingerprint": said.page, "title": str(data.get("title") or "PagerDuty incident"), "url": said.url,
        "state": "resolved" if said.kind == "resolved" else "firing", "page": said.page,
        "at": said.at.isoformat() if said.at else "", "service": str(data.get("service") or ""),
        "severity": str(data.get("urgency") or ""), "labels": {},
    }  # fmt: skip
    values = {"source": SOURCE, "group": said.page, "alerts": [alert] if wanted else []}
    return replace(ask, values=values)


def find(tx: Tx, said: Said) -> Incident | None:
    """The incident a page belongs to: by our key, else by the page's id."""
    if match := _KEY.fullmatch(said.key):
        return incidents.get(tx, match[1])
    return incidents.by_fact(tx, ("page_key",), (said.key,)) or incidents.by_fact(tx, ("page",), (said.page,))


def person(tx: Tx, house: House, user: str) -> str | None:
    """Whose PagerDuty account it is: by the policy's `people`, else as last believed (an e-mail match will do here)."""
    if not user:
        return None
    named = next((one.slack for one in house.policy.people.values() if one.pagerduty == user and one.slack), None)
    known = house.directory.person_by_slack(tx, named) if named else None
    return known or house.directory.person_of(tx, SOURCE, user)


def commander(policy: Policy) -> str | None:
    """The role that the first acknowledger takes, or None where policy has no such role."""
    first = next((name for name, role in policy.roles.items() if role.default == "first_acknowledger"), None)
    return first or ("commander" if "commander" in policy.roles else None)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
