"""REST v2, as far as Muster uses it (contract C2): incidents, notes, on-calls, users, services, policies.

Belongs here: headers, pages, refusals. What an incident is and how it changes is ``account.py``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.pagerduty.account import API_KEY, Account, Incident, iso, reference
from bot.sandbox.pagerduty.events import refuse
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

PER_MINUTE = 960  # contract C2
NOTES_MAX, BULK_MAX = 2000, 250


class Refusal(Exception):
    """An error answer: HTTP status, PagerDuty's code, its message and details."""

    def __init__(self, status: int, code: int, message: str, errors: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message} | ({"errors": errors} if errors else {})


def not_found() -> Refusal:
    return Refusal(404, 2100, "Not Found")


def invalid(*errors: str) -> Refusal:
    return Refusal(400, 2001, "Invalid Input Provided", list(errors))


class Rest:
    """Routes under the REST base address."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    def account(self) -> Account:
        return self.sandbox.pagerduty

    def routes(self, base: str) -> list[web.RouteDef]:
        table: list[tuple[str, str, Callable[[web.Request, Any], tuple[int, Any]]]] = [
            ("GET", "/incidents", self.list_incidents), ("POST", "/incidents", self.create),
            ("PUT", "/incidents", self.bulk), ("GET", "/incidents/{id}", self.get_incident),
            ("PUT", "/incidents/{id}", self.put), ("GET", "/incidents/{id}/notes", self.list_notes),
            ("POST", "/incidents/{id}/notes", self.add_note), ("GET", "/oncalls", self.on_calls),
            ("GET", "/users", self.list_users), ("GET", "/users/me", self.me), ("GET", "/users/{id}", self.get_user),
            ("GET", "/services", self.list_services), ("GET", "/services/{id}", self.get_service),
            ("GET", "/escalation_policies", self.list_policies), ("GET", "/priorities", self.list_priorities),
            ("GET", "/escalation_policies/{id}", self.get_policy), ("GET", "/schedules/{id}", self.get_schedule),
            ("GET", "/abilities", self.abilities), ("POST", "/incidents/{id}/responder_requests", self.ask_responders),
            ("GET", "/incidents/{id}/alerts", self.list_alerts),
        ]  # fmt: skip
        return [web.route(verb, base + path, self._handler(f"{verb} {path}", run)) for verb, path, run in table]

    def _handler(self, name: str, run: Callable[[web.Request, Any], tuple[int, Any]]) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                body = None
            shown = {"query": dict(request.query), "path": dict(request.match_info), "body": body,
                     "from": request.headers.get("From")}  # fmt: skip

            async def answer(call: Call) -> web.StreamResponse:
                try:
                    self._admit(request, name)
                    status, said = run(request, body)
                except Refusal as refusal:
                    call.error = str(refusal.error["message"])
                    headers = {"ratelimit-remaining": "0", "ratelimit-reset": "1"} if refusal.status == 429 else {}
                    return web.json_response({"error": refusal.error}, status=refusal.status, headers=headers)
                return web.json_response(said, status=status, headers={"ratelimit-limit": str(PER_MINUTE)})

            return await self.sandbox.wire.carry(request, "pagerduty", name, shown, answer, refuse=refuse)

        return handle

    def _admit(self, request: web.Request, name: str) -> None:
        """401 without the key; 429 code 2020 above the limit; 400 without From where contract C2 requires it."""
        header = request.headers.get("Authorization", "")
        if header not in (f"Token token={API_KEY}", f"Bearer {API_KEY}"):
            raise Refusal(401, 2006, "Unauthorized")
        if self.sandbox.rates.window("pagerduty:rest", PER_MINUTE):
            raise Refusal(429, 2020, "Rate Limit Exceeded")
        if request.method in ("POST", "PUT") and not name.endswith("responder_requests"):
            self.requester(request)

    def requester(self, request: web.Request) -> str:
        """The PagerDuty user named by the From header."""
        user = self.account.user_by_email(request.headers.get("From", ""))
        if user is None:
            raise Refusal(400, 1008, "Requester User Not Found", ["From header must be the email of a user"])
        return str(user["id"])

    def _page(self, request: web.Request, name: str, rows: list[Any]) -> tuple[int, Any]:
        """Contract C2: limit at most 100, offset + limit at most 10,000."""
        try:
            limit, offset = (int(request.query.get("limit", 25)), int(request.query.get("offset", 0)))
        except ValueError:
            raise invalid("limit and offset must be numbers") from None
        limit = min(max(limit, 1), 100)
        if offset < 0 or offset + limit > 10_000:
            raise invalid("Offset must be less than 10000")
        total = len(rows) if request.query.get("total") == "true" else None
        more = offset + limit < len(rows)
        page = rows[offset : offset + limit]
        return 200, {name: page, "limit": limit, "offset": offset, "more": more, "total": total}

    def _incident(self, request: web.Request) -> Incident:
        incident = self.account.incidents.get(request.match_info["id"])
        if incident is None:
            raise not_found()
        return incident

    # Incidents

    def list_incidents(self, request: web.Request, _: Any) -> tuple[int, Any]:
        query = request.query
        statuses, services = (query.getall("statuses[]", []), query.getall("service_ids[]", []))
        if not set(statuses) <= {"triggered", "acknowledged", "resolved"}:
            raise invalid("statuses[] must be triggered, acknowledged or resolved")
        rows = [
            i for i in self.account.incidents.values()
            if (not statuses or i.status in statuses) and (not services or i.service in services)
            and ("incident_key" not in query or i.key == query["incident_key"])
            and ("since" not in query or iso(i.created) >= query["since"][:19])
            and (not query.getall("user_ids[]", []) or set(query.getall("user_ids[]")) & set(i.assigned))
            and (not query.getall("urgencies[]", []) or i.urgency in query.getall("urgencies[]"))
        ]  # fmt: skip
        if query.get("sort_by", "").endswith(":desc"):
            rows.reverse()
        return self._page(request, "incidents", [self.account.show(i) for i in rows])

    def get_incident(self, request: web.Request, _: Any) -> tuple[int, Any]:
        return 200, {"incident": self.account.show(self._incident(request))}

    def create(self, request: web.Request, body: Any) -> tuple[int, Any]:
        asked = body.get("incident") if isinstance(body, dict) else None
        if not isinstance(asked, dict) or not asked.get("title"):
            raise invalid("Title can't be blank")
        service = (asked.get("service") or {}).get("id")
        if service not in self.account.services:
            raise invalid("Service not found")
        key = str(asked.get("incident_key") or "")
        if key and self.account.open_with(service, key) is not None:
            raise Refusal(400, 2002, "Arguments Caused Error", ["Incident with matching dedup key already exists"])
        wanted = [str((one.get("assignee") or {}).get("id")) for one in asked.get("assignments") or ()]
        if unknown := [user for user in wanted if user not in self.account.users]:
            raise invalid(f"Assignee {unknown[0]} not found")
        incident = self.account.open(
            str(asked["title"]), key or f"key-{len(self.account.incidents) + 1}", service, wanted,
            urgency=str(asked.get("urgency") or "high"), body=asked.get("body"), priority=asked.get("priority"),
            conference_bridge=asked.get("conference_bridge"),
        )  # fmt: skip
        return 201, {"incident": self.account.show(incident)}

    def put(self, request: web.Request, body: Any) -> tuple[int, Any]:
        asked = body.get("incident") if isinstance(body, dict) else None
        incident = self._incident(request)
        self._change(incident, asked, self.requester(request))
        return 200, {"incident": self.account.show(incident)}

    def bulk(self, request: web.Request, body: Any) -> tuple[int, Any]:
        rows = body.get("incidents") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise invalid("incidents must be a list")
        if len(rows) > BULK_MAX:
            raise Refusal(413, 2001, "Request Entity Too Large")
        changed = []
        for asked in rows:
            incident = self.account.incidents.get(str(asked.get("id")))
            if incident is None:
                raise not_found()
            self._change(incident, asked, self.requester(request))
            changed.append(self.account.show(incident))
        return 200, {"incidents": changed}

    def _change(self, incident: Incident, asked: Any, user: str) -> None:
        if not isinstance(asked, dict) or not str(asked.get("type", "")).startswith("incident"):
            raise invalid("incident.type must be incident or incident_reference")
        status = asked.get("status")
        if status is not None and status not in ("triggered", "acknowledged", "resolved"):
            raise invalid("status must be triggered, acknowledged or resolved")
        if status is not None and incident.resolved is not None and status != "resolved":
            raise Refusal(400, 2001, "Invalid Input Provided", ["Incident Already Resolved"])
        if "escalation_level" in asked:
            self._escalate(incident, asked["escalation_level"], user)
        for name in ("title", "urgency", "priority", "conference_bridge"):
            if name in asked:
                setattr(incident, name, asked[name])
        if status is not None:
            self.account.change(incident, status, user)
        if asked.get("resolution") and status == "resolved":
            self.account.annotate(incident, str(asked["resolution"]), user)

    def _escalate(self, incident: Incident, level: Any, user: str) -> None:
        """Only an open incident, only to a level the policy has and where somebody is on call."""
        if incident.resolved is not None:
            raise invalid("Incident Already Resolved")
        policy = self.account.services[incident.service]["policy"]
        if not isinstance(level, int) or isinstance(level, bool) or not 1 <= level <= self._levels(policy):
            raise invalid("Escalation level is not a level of the escalation policy")
        if not self.account.at_level(policy, level):
            raise invalid("No one is on call at this escalation level")
        self.account.escalate(incident, level, user)

    def _levels(self, policy: str) -> int:
        return max([self.account.rules.get(policy, 1), *(level for p, level, _ in self.account.on_call if p == policy)])

    def list_notes(self, request: web.Request, _: Any) -> tuple[int, Any]:
        return 200, {"notes": self._incident(request).notes}

    def list_alerts(self, request: web.Request, _: Any) -> tuple[int, Any]:
        return self._page(request, "alerts", self._incident(request).alerts)

    def add_note(self, request: web.Request, body: Any) -> tuple[int, Any]:
        incident = self._incident(request)
        content = ((body or {}).get("note") or {}).get("content") if isinstance(body, dict) else None
        if not content:
            raise invalid("Content can't be blank")
        if len(incident.notes) >= NOTES_MAX:
            raise invalid("too many notes")
        return 200, {"note": self.account.annotate(incident, str(content), self.requester(request))}

    def ask_responders(self, request: web.Request, body: Any) -> tuple[int, Any]:
        incident = self._incident(request)
        if "coordinated_responding" not in self.account.abilities:
            raise Refusal(402, 2014, "Account does not have the abilities to perform the action.")
        asked: dict[str, Any] = body if isinstance(body, dict) else {}
        targets = asked.get("responder_request_targets")
        if asked.get("requester_id") not in self.account.users or not asked.get("message") or not targets:
            raise invalid("requester_id, message and responder_request_targets are required")
        if incident.resolved is not None:
            raise invalid("Incident Already Resolved")
        for row in targets:
            target = (row.get("responder_request_target") or {}) if isinstance(row, dict) else {}
            known: dict[str, set[str]] = {
                "user_reference": set(self.account.users), "escalation_policy_reference": set(self.account.policies),
            }  # fmt: skip
            if target.get("id") not in known.get(str(target.get("type")), set()):
                raise invalid("Responder request target not found")
        return 200, {"responder_request": self.account.add_responders(incident, asked)}

    # People and services

    def on_calls(self, request: web.Request, _: Any) -> tuple[int, Any]:
        policies = request.query.getall("escalation_policy_ids[]", [])
        users = request.query.getall("user_ids[]", [])
        schedules = request.query.getall("schedule_ids[]", [])
        included = request.query.getall("include[]", [])
        by_level = {(policy, level): id_ for id_, (_, policy, level) in self.account.schedules.items()}
        rows = [
            {
                "user": self._user(user) if "users" in included else self.account.user_ref(user),
                "escalation_policy": reference("escalation_policy", policy, self.account.policies[policy]),
                "escalation_level": level, **self._shift(by_level.get((policy, level))),
            }
            for policy, level, user in sorted(self.account.on_call)
            if (not policies or policy in policies) and (not users or user in users)
            and (not schedules or by_level.get((policy, level)) in schedules)
        ]  # fmt: skip
        return self._page(request, "oncalls", rows)

    def _shift(self, schedule: str | None) -> dict[str, Any]:
        """The schedule an on-call comes from, with the shift's ends; a permanent one has neither (contract C2)."""
        if schedule is None:
            return {"schedule": None, "start": None, "end": None}
        shown = reference("schedule", schedule, self.account.schedules[schedule][0])
        day = time.time() // 86400 * 86400
        return {"schedule": shown, "start": iso(day), "end": iso(day + 86400)}

    def _user(self, user_id: str) -> dict[str, Any]:
        user = self.account.users[user_id]
        methods = [{"id": f"PCM{user_id}", "type": "phone_contact_method", "address": user["phone"]}]
        return reference("user", user_id, str(user["name"])) | {
            "type": "user", "name": user["name"], "email": user["email"], "role": user["role"], "time_zone": "Etc/UTC",
            "contact_methods": methods if user["phone"] else [],
        }  # fmt: skip

    def list_users(self, request: web.Request, _: Any) -> tuple[int, Any]:
        query = request.query.get("query", "").lower()  # contract C2: fuzzy; the caller compares emails itself
        rows = [self._user(u) for u, v in self.account.users.items()
                if query in str(v["email"]).lower() or query in str(v["name"]).lower()]  # fmt: skip
        return self._page(request, "users", rows)

    def get_user(self, request: web.Request, _: Any) -> tuple[int, Any]:
        if request.match_info["id"] not in self.account.users:
            raise not_found()
        return 200, {"user": self._user(request.match_info["id"])}

    def me(self, request: web.Request, _: Any) -> tuple[int, Any]:
        raise Refusal(400, 2001, "Invalid Input Provided", ["an account-level key belongs to no user"])

    def _service(self, service_id: str) -> dict[str, Any]:
        row = self.account.services[service_id]
        policy = reference("escalation_policy", row["policy"], self.account.policies[row["policy"]])
        shown = reference("service", service_id, row["name"])
        return shown | {"type": "service", "name": row["name"], "status": "active", "escalation_policy": policy}

    def list_services(self, request: web.Request, _: Any) -> tuple[int, Any]:
        query = request.query.get("query", "").lower()
        rows = [self._service(s) for s, v in self.account.services.items() if query in v["name"].lower()]
        return self._page(request, "services", rows)

    def get_service(self, request: web.Request, _: Any) -> tuple[int, Any]:
        if request.match_info["id"] not in self.account.services:
            raise not_found()
        return 200, {"service": self._service(request.match_info["id"])}

    def list_policies(self, request: web.Request, _: Any) -> tuple[int, Any]:
        query = request.query.get("query", "").lower()
        rows = [reference("escalation_policy", p, n) | {"type": "escalation_policy", "name": n}
                for p, n in self.account.policies.items() if query in n.lower()]  # fmt: skip
        return self._page(request, "escalation_policies", rows)

    def get_policy(self, request: web.Request, _: Any) -> tuple[int, Any]:
        id_ = request.match_info["id"]
        if id_ not in self.account.policies:
            raise not_found()
        name = self.account.policies[id_]
        rules = [
            {"id": f"{id_}R{n}", "escalation_delay_in_minutes": 30,
             "targets": [self.account.user_ref(user) for user in self.account.at_level(id_, n)]}
            for n in range(1, self._levels(id_) + 1)
        ]  # fmt: skip
        shown = reference("escalation_policy", id_, name) | {"type": "escalation_policy", "name": name}
        return 200, {"escalation_policy": shown | {"num_loops": 0, "escalation_rules": rules}}

    def get_schedule(self, request: web.Request, _: Any) -> tuple[int, Any]:
        if request.match_info["id"] not in self.account.schedules:
            raise not_found()
        name = self.account.schedules[request.match_info["id"]][0]
        shown = reference("schedule", request.match_info["id"], name) | {"type": "schedule", "name": name}
        return 200, {"schedule": shown}

    def list_priorities(self, request: web.Request, _: Any) -> tuple[int, Any]:
        return self._page(request, "priorities", self.account.priorities)

    def abilities(self, request: web.Request, _: Any) -> tuple[int, Any]:
        return 200, {"abilities": self.account.abilities}
