"""The services beside Slack as panels show them, and what is planned to go wrong with them, as JSON.

Belongs here: the few words of each service a person wants to watch. Does not belong here: the services themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.aws import INSTANCE
from bot.sandbox.control_kubernetes import cluster
from bot.sandbox.world import SCOPES

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

MOST = 20


async def shown(sandbox: Sandbox) -> dict[str, Any]:
    """Every panel's content, newest first where there is an order."""
    page, account = sandbox.statuspage, sandbox.pagerduty
    return {
        "pagerduty": [
            {
                "id": i.id, "key": i.key, "title": i.title, "status": i.status, "level": i.escalation_level,
                "assigned": [str(account.users[u]["name"]) for u in i.assigned if u in account.users],
                "notes": [note["content"] for note in i.notes][-3:],
            }
            for i in list(reversed(account.incidents.values()))[:MOST]
        ],
        "on_call": [[level, account.users[u]["name"]] for _, level, u in account.on_call if u in account.users],
        "statuspage": [_public(one) for one in list(reversed(page.incidents.values()))[:MOST]],
        "components": {one["name"]: one["status"] for one in page.components.values()},
        "aws": (await sandbox.aws.corrections()).show() if sandbox.aws.loaded else None,
        "checkout": await _checkout(sandbox),
        "kubernetes": await _kubernetes(sandbox),
        "hosts": [_host(sandbox, name) for name in sandbox.hosts.by_name],
        "mail": [
            {"to": kept["to"], "subject": kept["subject"], "body": str(kept["body"])[:600]}
            for kept in list(reversed(sandbox.mail.kept))[:MOST]
        ],
        "jira": [_issue(one) for one in list(reversed(sandbox.jira.issues.values()))[:MOST]],
    }  # fmt: skip


def _public(one: dict[str, Any]) -> dict[str, Any]:
    updates = one.get("incident_updates") or []
    return {
        "name": one.get("name"), "status": one.get("status"), "impact": one.get("impact"),
        "updates": [{"status": u.get("status"), "body": u.get("body")} for u in updates][:4],
    }  # fmt: skip


async def _checkout(sandbox: Sandbox) -> str:
    """Whether customers can pay: up, down, or "" while nothing has started."""
    if not sandbox.aws.loaded:
        return ""
    zone = (await sandbox.aws.corrections()).writer_zone(INSTANCE)
    return "down" if zone is None or zone == sandbox.settings.broken_zone else "up"


async def _kubernetes(sandbox: Sandbox) -> dict[str, Any]:
    found = await cluster(sandbox, {})
    failing = [pod for pod in found["pods"] if not pod["ready"]]
    return {"deployments": found["deployments"], "nodes": found["nodes"], "failing": failing[:MOST]}


def _host(sandbox: Sandbox, name: str) -> dict[str, Any]:
    host = sandbox.hosts.by_name[name]
    state = host.machine.show()
    return {
        "name": name, "unreachable": host.away, "disk_used": state["disk_used"], "services": state["services"],
        "containers": {
            container: one["status"] if one["health"] in ("", "healthy") else one["health"]
            for container, one in state["containers"].items()
        },
        "ran": [line[:160] for line in state["ran"][-5:]],
    }  # fmt: skip


def _issue(one: dict[str, Any]) -> dict[str, Any]:
    fields = one["fields"]
    return {"key": one["key"], "summary": fields.get("summary"), "status": fields["status"]["name"]}


def trouble(sandbox: Sandbox) -> dict[str, Any]:
    """What will go wrong, by service: planned faults, seconds of delay, scopes the bot lost."""
    by_service: dict[str, list[dict[str, Any]]] = {}
    for fault in sandbox.faults.planned:
        by_service.setdefault(fault.service, []).append(
            {"mode": fault.mode, "method": fault.method, "times": fault.times}
        )
    for (service, method), seconds in sandbox.faults.latencies.items():
        by_service.setdefault(service, []).append({"mode": f"slow {seconds:g} s", "method": method, "times": -1})
    if lost := [scope for scope in SCOPES if scope not in sandbox.world.scopes]:
        by_service.setdefault("slack", []).append({"mode": "scopes taken", "method": ", ".join(lost), "times": -1})
    return by_service
