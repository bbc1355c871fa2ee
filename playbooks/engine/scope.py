"""The scope of a run: what `${{ … }}` in its playbook may read, built from rows and policy inside one transaction.

Belongs here: turning rows into plain JSON values. Does not belong here: evaluating references (values.py), looking
outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playbooks.durations import words
from playbooks.engine.quorum import slack_id
from playbooks.policy import Policy, Service
from storage import incident_rows, people
from storage.db import Tx
from storage.runs import Run, Step
from storage.types import iso

NO_DISASTER = "no disaster: go on with the incident"


def scope_of(
    tx: Tx, policy: Policy, url: str, run: Run, steps: Sequence[Step], facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything a run's references may read. url: Muster's public address; facts: learned, and not written yet."""
    scope: dict[str, Any] = {
        "inputs": run.inputs,
        "steps": {step.id: {"outputs": step.outputs} for step in steps if step.outputs is not None},
        **places(policy, run.service, run.site, run.active_site),
        "organisation": organisation(policy),
        "run": {
            "id": run.id,
            "kind": run.kind,
            "requester_slack": slack_id(tx, run.requester),
            "by_hand": run.shown,
        },
    }
    if run.incident:
        scope |= incident_scope(tx, policy, url, run.incident, facts)
    return scope


def places(policy: Policy, service: str | None, site: str | None, active: str | None) -> dict[str, Any]:
    """`service` and `site` where the run happens, `active` and `active_site` where its service was when it was asked.

    Without a site of its own a run happens where its service is active.
    """
    found = service_of(policy, service)
    now = policy.sites.get(active) if active else policy.site_of(found)
    at = policy.sites.get(site) if site else now
    return {
        "service": found.scope(at.name if at else None) if found else None,
        "site": at.scope() if at else None,
        "active": found.scope(now.name if now else None) if found else None,
        "active_site": now.scope() if now else None,
    }


def organisation(policy: Policy) -> dict[str, Any]:
    """`organisation`: its name; the policy's contacts as text, a line for each: whom, for what, and how; its disaster
    levels as options to choose from, the last one that it is none."""
    lines = []
    for one in policy.contacts.values():
        ways = " · ".join(way for way in (one.phone, one.email, one.url) if way)
        lines.append(f"• {one.title}{f' ({one.when})' if one.when else ''}: {ways or 'nothing is known of how'}")
    levels = [one.option() for one in policy.disaster_levels.values()]
    return {"name": policy.organisation.name, "contacts": "\n".join(lines), "disaster_levels": [*levels, NO_DISASTER]}


def incident_scope(
    tx: Tx, policy: Policy, url: str, incident: str, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`incident` and `severity` for one incident."""
    found = incident_rows.get(tx, incident)
    if found is None:
        raise LookupError(f"no incident {incident}")
    severity = policy.severity(found.severity)
    service = policy.services.get(found.service) if found.service else None
    commander = incident_rows.roles(tx, incident).get("commander")
    secret = found.private
    headline = f"{found.id} · {found.severity} · {'restricted' if secret else found.title}"
    what = service.title or service.name if service else "a part of our service"
    cadence = severity.status_page.cadence
    asked = policy.severity_scope(severity, private=found.private)
    if secret and (declarer := slack_id(tx, found.declared_by)):
        asked["invite"]["users"] = list(dict.fromkeys([declarer, *asked["invite"]["users"]]))
    fixed = {
        "id": found.id,
        "number": found.number,
        "title": found.title,
        "headline": headline,
        "severity": found.severity,
        "type": found.type,
        "status": found.status,
        "kind": found.kind,
        "private": found.private,
        "service": found.service,
        "url": f"{url}/incidents/{found.id}",
        "page_key": found.facts.get("page_key") or f"muster/{found.id}",  # one paged blind keeps that page's key
        "paged_blind": found.facts.get("paged_blind") or "",  # "", open or closed
        "page_summary": headline,
        "page_routing_key": str(service.pagerduty.routing_key) if service and service.pagerduty.routing_key else None,
        "commander": people.name(tx, commander.person) if commander else None,
        "commander_slack": slack_id(tx, commander.person) if commander else None,
        "declared_by": people.name(tx, found.declared_by),
        "status_page_name": found.title,
        "status_page_body": f"We are investigating a problem with {what}."
        + (f" The next update follows within {words(cadence)}." if cadence else ""),
        "status_page_components": list(service.status_page_components) if service else [],
        "latest_update": found.latest_update,
        "latest_update_status": found.latest_update_status,
        "started": iso(found.declared_at),
    }
    return {
        "incident": {**found.facts, **(facts or {}), **fixed},
        "severity": asked,
    }


def service_of(policy: Policy, name: str | None) -> Service | None:
    """The policy's service of that name, or None."""
    return policy.services.get(name) if name else None
