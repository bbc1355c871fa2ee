"""The stand-in for Statuspage API v1 (contract D): one page, its components, its incidents.

Belongs here: everything of Statuspage. There is no idempotency key: posting twice makes two incidents, as there.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.faults import Fault
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

API_KEY, PAGE = "sandbox-statuspage-key", "p4g3muster"
REALTIME = ("investigating", "identified", "monitoring", "resolved")
MAINTENANCE = ("scheduled", "in_progress", "verifying", "completed")
IMPACTS = ("none", "maintenance", "minor", "major", "critical")
COMPONENT_STATES = (
    "operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance", "",
)  # fmt: skip
NAME_MAX, BODY_MAX = 255, 25_000
PER_SECOND, PER_MINUTE = 1.0, 60  # contract D: one a second over a rolling minute


class Refusal(Exception):
    def __init__(self, status: int, error: Any) -> None:
        super().__init__(str(error))
        self.status, self.error = status, error


def now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Statuspage:
    """The page: ``incidents`` newest first in answers, ``components`` by id."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.components: dict[str, dict[str, Any]] = {
            f"cmp{name}": {
                "id": f"cmp{name}", "page_id": PAGE, "name": name, "status": "operational", "position": n,
                "created_at": now(), "updated_at": now(), "description": None, "group": False,
            }
            for n, name in enumerate(("checkout", "auth", "booking"), 1)
        }  # fmt: skip
        self.incidents: dict[str, dict[str, Any]] = {}
        self.notified: list[dict[str, Any]] = []  # every mail subscribers would have got

    def routes(self, base: str) -> list[web.RouteDef]:
        pages = f"{base}/pages/{{page}}"
        table = [
            ("GET", "", self.page), ("POST", "/incidents", self.create),
            ("GET", "/incidents", self.list_incidents),
            ("GET", "/incidents/unresolved", self.unresolved),
            ("GET", "/incidents/{id}", self.get), ("PATCH", "/incidents/{id}", self.patch),
            ("PUT", "/incidents/{id}", self.patch), ("DELETE", "/incidents/{id}", self.delete),
            ("PUT", "/incidents/{id}/postmortem", self.postmortem),
            ("GET", "/components", self.list_components),
            ("GET", "/components/{id}", self.get_component),
            ("PATCH", "/components/{id}", self.patch_component),
        ]  # fmt: skip
        return [web.route(verb, pages + path, self._handler(f"{verb} {path}", run))
                for verb, path, run in table]  # fmt: skip

    def _handler(self, name: str, run: Any) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            try:
                body = json.loads(raw) if raw else {}
            except ValueError:
                body = None
            shown = {"path": dict(request.match_info), "query": dict(request.query), "body": body}

            async def answer(call: Call) -> web.StreamResponse:
                page = self.sandbox.statuspage  # looked up at each call: a reset replaces it
                try:
                    page._admit(request, body)
                    status, said = getattr(page, run.__name__)(request, body)
                except Refusal as refusal:
                    call.error = str(refusal.error)
                    return web.json_response({"error": refusal.error}, status=refusal.status)
                return web.json_response(said, status=status)

            return await self.sandbox.wire.carry(request, "statuspage", name, shown, answer, refuse=_refuse)

        return handle

    def _admit(self, request: web.Request, body: Any) -> None:
        header, key = (request.headers.get("Authorization", ""), request.query.get("api_key"))
        if header != f"OAuth {API_KEY}" and key != API_KEY:
            raise Refusal(401, "Could not authenticate")
        rates = self.sandbox.rates
        # Contract D: 1 request a second, counted over a minute; no Retry-After is documented.
        if rates.bucket("statuspage", PER_SECOND, 10) or rates.window("statuspage", PER_MINUTE):
            raise Refusal(429, "Too many requests")
        if request.match_info["page"] != PAGE:
            raise Refusal(404, "Page not found")
        if body is None:
            raise Refusal(400, "Bad request: the body is not JSON")

    def page(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, {"id": PAGE, "name": "Muster demo", "subdomain": "muster-demo", "url": ""}

    # Incidents

    def _one(self, request: web.Request) -> dict[str, Any]:
        incident = self.incidents.get(request.match_info["id"])
        if incident is None:
            raise Refusal(404, "Incident not found")
        return incident

    def _asked(self, body: Any, new: bool) -> dict[str, Any]:
        """The incident of a body, checked against contract D. 422 with the reasons."""
        asked = body.get("incident") if isinstance(body, dict) else None
        if not isinstance(asked, dict):
            raise Refusal(400, "incident is missing")
        wrong = []
        name = asked.get("name")
        if (new or name is not None) and not name:
            wrong.append("Name can't be blank")
        if len(str(name or "")) > NAME_MAX:
            wrong.append(f"Name is too long (maximum is {NAME_MAX} characters)")
        if len(str(asked.get("body") or "")) > BODY_MAX:
            wrong.append(f"Body is too long (maximum is {BODY_MAX} characters)")
        if asked.get("status") is not None and asked["status"] not in (*REALTIME, *MAINTENANCE):
            wrong.append(f"Status {asked['status']} is not valid")
        if asked.get("impact_override") is not None and asked["impact_override"] not in IMPACTS:
            wrong.append(f"Impact override {asked['impact_override']} is not valid")
        for component, state in (asked.get("components") or {}).items():
            if component not in self.components:
                wrong.append(f"Component {component} not found")
            elif state not in COMPONENT_STATES:
                wrong.append(f"Component status {state} is not valid")
        wrong += [f"Component {c} not found" for c in asked.get("component_ids") or [] if c not in self.components]
        meta = asked.get("metadata")
        if meta is not None and not (isinstance(meta, dict) and all(isinstance(v, dict) for v in meta.values())):
            wrong.append("Metadata must be an object of objects")
        if asked.get("backfilled") and asked.get("components"):
            wrong.append("Components cannot change in a backfilled incident")
        if wrong:
            raise Refusal(422, wrong)
        return asked

    def create(self, request: web.Request, body: Any) -> tuple[int, Any]:
        asked = self._asked(body, new=True)
        scheduled = asked.get("scheduled_for") is not None
        _fits(asked, scheduled)
        code = f"inc{len(self.incidents) + 1:09d}"
        incident: dict[str, Any] = {
            "id": code, "page_id": PAGE, "name": asked["name"], "created_at": now(), "updated_at": now(),
            "status": asked.get("status") or ("scheduled" if scheduled else "investigating"), "resolved_at": None,
            "monitoring_at": None, "impact": asked.get("impact_override") or "none",
            "metadata": asked.get("metadata") or {}, "impact_override": asked.get("impact_override"), "shortlink": f"https://stspg.io/{code}",
            "scheduled_for": asked.get("scheduled_for"), "scheduled_until": asked.get("scheduled_until"),
            "incident_updates": [], "components": [], "postmortem_body": None,
        }  # fmt: skip
        self.incidents[code] = incident
        self._apply(incident, asked, True)
        return 201, incident

    def patch(self, request: web.Request, body: Any) -> tuple[int, Any]:
        incident = self._one(request)
        asked = self._asked(body, new=False)
        _fits({**incident, **asked}, incident["scheduled_for"] is not None)
        self._apply(incident, asked, "body" in asked or "status" in asked)
        return 200, incident

    def _apply(self, incident: dict[str, Any], asked: dict[str, Any], tell: bool) -> None:
        """Change the fields given; a body or a status adds an update (contract D)."""
        for name in ("name", "status", "impact_override", "metadata", "scheduled_for", "scheduled_until"):
            if asked.get(name) is not None:
                incident[name] = asked[name]
        if asked.get("impact_override"):
            incident["impact"] = asked["impact_override"]
        incident["updated_at"] = now()
        if incident["status"] in ("resolved", "completed") and incident["resolved_at"] is None:
            incident["resolved_at"] = now()
        if incident["status"] == "monitoring":
            incident["monitoring_at"] = now()
        listed = [*(asked.get("component_ids") or []), *(asked.get("components") or {})]
        for component, state in (asked.get("components") or {}).items():
            self.components[component] |= {"status": state or "operational", "updated_at": now()}
        known = {c["id"] for c in incident["components"]}
        incident["components"] = [self.components[c] for c in dict.fromkeys([*known, *listed])]
        if tell:
            notify = asked.get("deliver_notifications", True) is not False  # contract D: the DEFAULT is true
            update = {
                "id": f"{incident['id']}u{len(incident['incident_updates']) + 1}", "incident_id": incident["id"],
                "status": incident["status"], "body": asked.get("body") or "", "created_at": now(),
                "deliver_notifications": notify, "affected_components": asked.get("components"),
            }  # fmt: skip
            incident["incident_updates"].insert(0, update)
            if notify:
                self.notified.append({"incident": incident["id"], "status": incident["status"], "body": update["body"]})

    def get(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, self._one(request)

    def delete(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, self.incidents.pop(self._one(request)["id"])

    def list_incidents(self, request: web.Request, body: Any) -> tuple[int, Any]:
        wanted = request.query.get("q", "").lower()
        rows = [i for i in reversed(self.incidents.values()) if wanted in i["name"].lower()]
        return 200, self._paged(request, rows)

    def unresolved(self, request: web.Request, body: Any) -> tuple[int, Any]:
        rows = [i for i in reversed(self.incidents.values()) if i["status"] in REALTIME[:3]]
        return 200, self._paged(request, rows)

    def _paged(self, request: web.Request, rows: list[Any]) -> list[Any]:
        size = min(int(request.query.get("limit") or request.query.get("per_page") or 100), 100)
        start = (int(request.query.get("page") or 1) - 1) * size
        return rows[start : start + size]

    def postmortem(self, request: web.Request, body: Any) -> tuple[int, Any]:
        incident = self._one(request)
        incident["postmortem_body"] = ((body or {}).get("postmortem") or {}).get("body_draft")
        return 200, {"body_draft": incident["postmortem_body"], "preview_key": "", "body": None}

    # Components

    def list_components(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, self._paged(request, list(self.components.values()))

    def _component(self, request: web.Request) -> dict[str, Any]:
        component = self.components.get(request.match_info["id"])
        if component is None:
            raise Refusal(404, "Component not found")
        return component

    def get_component(self, request: web.Request, body: Any) -> tuple[int, Any]:
        return 200, self._component(request)

    def patch_component(self, request: web.Request, body: Any) -> tuple[int, Any]:
        component = self._component(request)
        state = ((body or {}).get("component") or {}).get("status")
        if state is not None and state not in COMPONENT_STATES:
            raise Refusal(422, [f"Status {state} is not valid"])
        if state is not None:
            component |= {"status": state or "operational", "updated_at": now()}
        return 200, component


def _fits(incident: dict[str, Any], scheduled: bool) -> None:
    """Contract D: a maintenance has statuses of its own, and times that can be."""
    if incident.get("status") and incident["status"] not in (MAINTENANCE if scheduled else REALTIME):
        raise Refusal(422, [f"Status {incident['status']} is not valid for this kind of incident"])
    times = [incident.get("scheduled_for"), incident.get("scheduled_until")]
    try:
        begins, ends = (datetime.fromisoformat(one) if one else None for one in times)
    except ValueError:
        raise Refusal(422, ["Scheduled for and until must be ISO 8601"]) from None
    if scheduled and (begins is None or ends is None or ends <= begins):
        raise Refusal(422, ["Scheduled until must be after scheduled for"])


def _refuse(fault: Fault) -> web.StreamResponse:
    status = int(fault.mode) if fault.mode.isdigit() else 422
    return web.json_response({"error": fault.mode.removeprefix("error:")}, status=status)
