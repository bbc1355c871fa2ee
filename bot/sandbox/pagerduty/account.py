"""What PagerDuty knows: users, a service, a policy, who is on call, incidents; and how an incident changes.

Belongs here: state and its legal changes, each told to ``webhooks.py``. Does not belong here: HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

API_KEY = "sandbox-pagerduty-key"
ROUTING_KEY = "5a4d0b0c9e8f4a3b8c7d6e5f40312213"  # 32 characters (contract C1)
WEBHOOK_SECRET = "sandbox-pagerduty-webhook-secret"
SITE = "https://muster.pagerduty.com"
SERVICE, POLICY, SCHEDULE = "PSRVPAY", "PPOLPAY", "PSCHPAY"


def iso(at: float | None = None) -> str:
    return datetime.fromtimestamp(time.time() if at is None else at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(kind: str, id_: str, summary: str) -> dict[str, Any]:
    path = {"user": "users", "service": "services", "escalation_policy": "escalation_policies"}.get(kind, f"{kind}s")
    return {
        "id": id_, "type": f"{kind}_reference", "summary": summary, "self": f"https://api.pagerduty.com/{path}/{id_}",
        "html_url": f"{SITE}/{path}/{id_}",
    }  # fmt: skip


@dataclass
class Incident:
    id: str
    number: int
    title: str
    key: str
    service: str
    urgency: str = "high"
    status: str = "triggered"
    assigned: list[str] = field(default_factory=list)
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    resolved: float | None = None
    priority: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    escalation_level: int = 1
    conference_bridge: dict[str, Any] | None = None
    responders: list[dict[str, Any]] = field(default_factory=list)
    responder_requests: list[dict[str, Any]] = field(default_factory=list)


class Account:
    """One PagerDuty account. Users are {id, name, email, role}; on-call rows are (policy, level, user).

    rules: how many levels a policy has; schedules: {id: (name, policy, level)}, who is on call there comes from it.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.users = {
            f"PUSR{short}": {
                "id": f"PUSR{short}", "name": name, "email": f"{name.lower()}@example.com", "role": "user",
                "phone": phone,
            }
            for short, name, phone in (
                ("BEN", "Ben", "+1-555-0102"), ("CHI", "Chi", "+1-555-0103"), ("BOT", "Muster", ""),
            )
        }  # fmt: skip
        self.services = {SERVICE: {"id": SERVICE, "name": "Payments primary", "policy": POLICY, "key": ROUTING_KEY}}
        self.policies = {POLICY: "Payments"}
        self.on_call: list[tuple[str, int, str]] = [(POLICY, 1, "PUSRBEN"), (POLICY, 2, "PUSRCHI")]
        self.rules = {POLICY: 2}
        self.schedules = {SCHEDULE: ("Payments rota", POLICY, 1)}
        self.priorities = [
            {"id": f"PPRIO{n}", "type": "priority", "summary": f"P{n}", "name": f"P{n}"} for n in (1, 2, 3)
        ]
        self.incidents: dict[str, Incident] = {}
        self.abilities = ["sso", "teams", "urgencies", "coordinated_responding"]

    # Looking

    def user_by_email(self, email: str) -> dict[str, Any] | None:
        return next((u for u in self.users.values() if u["email"].lower() == email.lower()), None)

    def user_ref(self, user_id: str) -> dict[str, Any]:
        return reference("user", user_id, str(self.users[user_id]["name"]))

    def find(self, key_or_id: str) -> Incident | None:
        """By id, or the newest one with this incident_key."""
        if key_or_id in self.incidents:
            return self.incidents[key_or_id]
        return next((i for i in reversed(self.incidents.values()) if i.key == key_or_id), None)

    def open_with(self, service: str, key: str) -> Incident | None:
        live = (i for i in self.incidents.values() if i.resolved is None)
        return next((i for i in live if i.service == service and i.key == key), None)

    def show(self, incident: Incident) -> dict[str, Any]:
        """As the REST API and webhooks show it (contract C2, C3)."""
        service = self.services[incident.service]
        shown: dict[str, Any] = reference("incident", incident.id, f"[#{incident.number}] {incident.title}") | {
            "type": "incident", "incident_number": incident.number, "title": incident.title, "status": incident.status,
            "incident_key": incident.key, "urgency": incident.urgency, "created_at": iso(incident.created),
            "updated_at": iso(incident.changed), "last_status_change_at": iso(incident.changed),
            "resolved_at": iso(incident.resolved) if incident.resolved else None, "priority": incident.priority,
            "service": reference("service", incident.service, service["name"]),
            "escalation_policy": reference("escalation_policy", service["policy"], self.policies[service["policy"]]),
            "assignments": [{"at": iso(incident.created), "assignee": self.user_ref(u)} for u in incident.assigned],
            "acknowledgements": incident.acknowledged, "escalation_level": incident.escalation_level,
            "alert_counts": {"all": len(incident.alerts), "triggered": len(incident.alerts), "resolved": 0},
            "body": incident.body, "conference_bridge": incident.conference_bridge,
        }  # fmt: skip
        if "coordinated_responding" in self.abilities:
            shown |= {"incidents_responders": incident.responders, "responder_requests": incident.responder_requests}
        return shown

    def at_level(self, policy: str, level: int) -> list[str]:
        """Who is on call at a level of a policy."""
        return [user for named, at, user in self.on_call if (named, at) == (policy, level)]

    # Changing

    def open(self, title: str, key: str, service: str, assigned: Sequence[str] = (), **more: Any) -> Incident:
        """A new triggered incident, assigned to these users, else to level 1 (contract C2: assignments or a policy)."""
        number = len(self.incidents) + 1
        whom = list(assigned) or self.at_level(self.services[service]["policy"], 1)
        incident = Incident(f"Q{number:04d}{SERVICE[:3]}", number, title, key, service, assigned=whom, **more)
        self.incidents[incident.id] = incident
        self._tell("triggered", incident, reference("service", service, self.services[service]["name"]))
        return incident

    def change(self, incident: Incident, status: str, user_id: str | None) -> bool:
        """Acknowledge, resolve or trigger again; a resolved incident stays resolved. True when something changed."""
        if incident.resolved is not None or incident.status == status:
            return False
        incident.status, incident.changed = status, time.time()
        agent = self.user_ref(user_id) if user_id else None
        if status == "acknowledged":
            incident.acknowledged.append({"at": iso(), "acknowledger": agent})
        if status == "resolved":
            incident.resolved = incident.changed
            incident.assigned, incident.acknowledged = [], []
        self._tell({"triggered": "unacknowledged"}.get(status, status), incident, agent)
        return True

    def escalate(self, incident: Incident, level: int, user_id: str) -> None:
        """Hand it to a level: those on call there are paged, and who acknowledged it before is not waited for."""
        incident.escalation_level, incident.status, incident.changed = level, "triggered", time.time()
        incident.assigned = self.at_level(self.services[incident.service]["policy"], level)
        incident.acknowledged = []
        self._tell("escalated", incident, self.user_ref(user_id))

    def add_responders(self, incident: Incident, asked: dict[str, Any]) -> dict[str, Any]:
        """Ask people, and those first on call of policies, to join (contract C2). asked: a checked request."""
        requester, request = self.user_ref(asked["requester_id"]), f"PRR{len(incident.responder_requests) + 1}"
        about = {"incident": reference("incident", incident.id, incident.title), "message": asked["message"],
                 "requester": requester, "requested_at": iso()}  # fmt: skip
        for row in asked["responder_request_targets"]:
            target = row["responder_request_target"]
            policy = target["type"].startswith("escalation_policy")
            for user in self.at_level(target["id"], 1) if policy else [target["id"]]:
                via = [self.policies[target["id"]]] if policy else []
                incident.responders.append(
                    about | {"state": "pending", "user": self.user_ref(user), "escalation_policy_requests": via}
                )
        shown = about | {"id": request, "responder_request_targets": asked["responder_request_targets"]}
        incident.responder_requests.append(shown)
        self.sandbox.webhooks.emit("responder.added", shown, incident.id, requester)
        return shown

    def annotate(self, incident: Incident, content: str, user_id: str) -> dict[str, Any]:
        note = {
            "id": f"PNOTE{len(incident.notes) + 1}", "content": content, "created_at": iso(),
            "user": self.user_ref(user_id), "channel": {"summary": "The PagerDuty website or APIs"},
        }  # fmt: skip
        incident.notes.append(note)
        data = {"type": "incident_note", "id": note["id"], "content": content,
                "incident": reference("incident", incident.id, incident.title)}  # fmt: skip
        self.sandbox.webhooks.emit("annotated", data, incident.id, self.user_ref(user_id))
        return note

    def _tell(self, what: str, incident: Incident, agent: dict[str, Any] | None) -> None:
        self.sandbox.webhooks.emit(what, self.show(incident), incident.id, agent)
