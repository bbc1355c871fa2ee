"""PagerDuty: reading (`PagerDutyReads`) and acting (`PagerDuty`) through pdpyras, without its endless retries.

Belongs here: the calls, PagerDuty's error words. Does not belong here: the shapes they return (`pagerduty_shapes.py`).
The only importer of pdpyras, which is end-of-life upstream, blocks, and waits without limit on 429 (contract C4); here
it asks once and stops on time.
All methods raise Temporary, Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout

from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    retry_after,
    short,
    too_many,
    unreachable,
)
from playbooks.connectors.pagerduty_shapes import (
    Json,
    OnCall,
    PdIncident,
    PdNote,
    PdPolicy,
    PdUser,
    to_incident,
    to_note,
    to_on_call,
    to_policy,
    to_user,
)
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError, NotConfigured, Refused
from playbooks.secrets import SecretRef, reveal

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # pdpyras announces its successor at every import
    import pdpyras

REST_URL = "https://api.pagerduty.com"
EVENTS_URL = "https://events.pagerduty.com"
KEY_TODO = {"REST": "Check PAGERDUTY_API_KEY.", "Events": "Check PAGERDUTY_ROUTING_KEY."}


def _once(session: Any, timeouts: tuple[float, float], url: str) -> Any:
    """Make a pdpyras session ask exactly once: a 429 and a broken line come back instead of sleeping (contract C4)."""
    session.retry = {429: 1}
    session.max_http_attempts = -1  # "more attempts than allowed" from the first answer on
    session.max_network_attempts = 0
    session.timeout = timeouts
    session.log.disabled = True
    session.url = url.rstrip("/")
    session.trust_env = not is_loopback(url)
    return session


class PagerDutyReads:
    """What can be asked of PagerDuty. Settings: REST key, e-mail of the From user, addresses, time-outs in seconds."""

    vendor = "PagerDuty"
    acting = False

    def __init__(
        self,
        api_key: str,
        *,
        from_email: str = "",
        routing_key: str = "",
        service_id: str = "",
        api_url: str = REST_URL,
        events_url: str = EVENTS_URL,
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        workers: int = 8,
    ) -> None:
        self._from_email = from_email
        self._routing_key = routing_key
        self._service_id = service_id
        self._events_url = events_url
        self._timeouts = (connect_timeout, read_timeout)
        self._deadline_s = connect_timeout + read_timeout + 2
        self._threads = Threads(self.vendor, workers)
        self._rest: Any = None
        if api_key:
            self._rest = _once(pdpyras.APISession(api_key, default_from=from_email or None), self._timeouts, api_url)

    async def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.close()
        if self._rest is not None:
            self._rest.close()

    async def incident(self, incident_id: str) -> PdIncident:
        """One incident by id ("Q2X7"). Refused when there is none."""
        return to_incident((await self._get(f"/incidents/{incident_id}"))["incident"])

    async def incident_by_key(self, dedup_key: str) -> PdIncident | None:
        """The incident of a dedup key: the open one, else the newest; None while there is none (202 is not yet one)."""
        params = {"incident_key": dedup_key, "date_range": "all", "sort_by": "created_at:desc", "limit": 25}
        raw = (await self._get("/incidents", params)).get("incidents") or ()
        found = [to_incident(row) for row in raw if str(row.get("incident_key") or "") == dedup_key]
        return next((one for one in found if one.open), found[0] if found else None)

    async def open_incident(self, dedup_key: str) -> PdIncident:
        """The open incident of a dedup key. Refused when there is none, or it was resolved."""
        found = await self.incident_by_key(dedup_key)
        if found is None:
            raise Refused(f"PagerDuty has no incident of {dedup_key}. Nobody was paged.", todo="Page first.")
        if not found.open:
            todo = "Page anew with pagerduty.trigger."
            raise Refused(f"The PagerDuty incident of {dedup_key} was resolved. Nobody was paged.", todo=todo)
        return found

    async def notes(self, incident_id: str) -> list[PdNote]:
        """The notes of an incident."""
        return [to_note(raw) for raw in (await self._get(f"/incidents/{incident_id}/notes")).get("notes") or ()]

    async def policy(self, policy_id: str) -> PdPolicy:
        """An escalation policy and how many levels it has. Refused when there is none."""
        return to_policy((await self._get(f"/escalation_policies/{policy_id}"))["escalation_policy"])

    async def policy_of(self, service_id: str) -> PdPolicy:
        """The escalation policy of a service. Refused when there is no such service."""
        service: Json = (await self._get(f"/services/{service_id}"))["service"]
        return await self.policy(str((service.get("escalation_policy") or {}).get("id") or ""))

    async def schedule(self, schedule_id: str) -> str:
        """The name of a schedule. Refused when there is none."""
        schedule: Json = (await self._get(f"/schedules/{schedule_id}", {"overflow": "true"}))["schedule"]
        return str(schedule.get("name") or schedule.get("summary") or schedule_id)

    async def oncalls(
        self, *, policies: Sequence[str] = (), schedules: Sequence[str] = (), users: Sequence[str] = ()
    ) -> list[OnCall]:
        """Who is on call now, by escalation policy, schedule or user ids; lowest escalation level first."""
        named = {"escalation_policy_ids[]": policies, "schedule_ids[]": schedules, "user_ids[]": users}
        params: dict[str, Any] = {name: list(ids) for name, ids in named.items() if ids}
        body = await self._get("/oncalls", {**params, "include[]": ["users"], "limit": 100})
        entries = [to_on_call(raw) for raw in body.get("oncalls") or ()]
        return sorted(entries, key=lambda one: one.level)

    async def user_by_email(self, email: str) -> PdUser | None:
        """The user with exactly this e-mail. PagerDuty's query is fuzzy, so we compare ourselves (contract C2)."""
        body = await self._get("/users", {"query": email, "limit": 100})
        users = [to_user(raw) for raw in body.get("users") or ()]
        return next((user for user in users if user.email.lower() == email.lower()), None)

    async def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        session = self._need_rest()
        return await self._ask("REST", f"GET {path}", lambda: session.get(path, params=dict(params or {})), write=False)

    def _need_rest(self) -> Any:
        if self._rest is None:
            raise NotConfigured("PagerDuty's REST API is not configured here.", todo="Set PAGERDUTY_API_KEY.")
        return self._rest

    async def _ask(self, api: str, call: str, send: Callable[[], Any], *, write: bool) -> Json:
        """Send once in a thread and sort the answer. call: as people read it ("POST /incidents")."""
        try:
            response = await self._threads.run(send, deadline_s=self._deadline_s)
        except pdpyras.PDHTTPError as error:
            raise self._sorted(api, call, error.response, write) from None
        except pdpyras.PDClientError as error:
            raise _silent(call, error.__cause__ or error, write) from None
        except TimeoutError:
            raise no_answer(self.vendor, call, "time-out", write=write) from None
        if not response.ok:
            raise self._sorted(api, call, response, write)
        try:
            body: Json = response.json() if response.content else {}
        except ValueError:
            raise no_answer(self.vendor, call, "the answer is not JSON", write=write) from None
        return body

    def _sorted(self, api: str, call: str, response: Any, write: bool) -> MusterError:
        status = int(response.status_code)
        if status == 429:
            seconds = retry_after(response.headers, "retry-after", "ratelimit-reset")
            return too_many(self.vendor, call, status, seconds)
        if status >= 500:
            return no_answer(self.vendor, call, f"status {status}", write=write)
        words = _words(response)
        todo = KEY_TODO[api] if status in (401, 403) else ""
        return ServiceRefused(
            self.vendor, str(status), f"PagerDuty refused {call}: {status} {words}".strip(), todo=todo
        )


def _silent(call: str, cause: BaseException, write: bool) -> MusterError:
    """A broken line: before the connection stood nothing happened, after it nobody knows."""
    connecting = isinstance(cause, ConnectTimeout) or (
        isinstance(cause, RequestsConnectionError)
        and any(word in repr(cause) for word in ("NewConnectionError", "NameResolutionError", "ProxyError"))
    )
    if connecting:
        return unreachable("PagerDuty", call, type(cause).__name__)
    return no_answer("PagerDuty", call, type(cause).__name__, write=write)


def _words(response: Any) -> str:
    """PagerDuty's own explanation: REST `error.message`/`errors`, Events `message`/`errors`."""
    try:
        body = response.json()
    except ValueError:
        return short(response.text)
    if not isinstance(body, dict):
        return ""
    inner = body.get("error")
    error: Json = inner if isinstance(inner, dict) else body
    details = error.get("errors") or []
    listed = "; ".join(str(d) for d in details) if isinstance(details, list) else str(details)
    return short(": ".join(part for part in (str(error.get("message") or ""), listed) if part))


class PagerDuty(PagerDutyReads):
    """What can be done in PagerDuty."""

    acting = True

    async def trigger(
        self,
        dedup_key: str,
        summary: str,
        *,
        severity: str = "critical",
        source: str = "muster",
        details: Mapping[str, Any] | None = None,
        link: str = "",
        link_text: str = "",
        routing_key: SecretRef | None = None,
    ) -> None:
        """Trigger, or add to, the alert of this key (Events v2). Accepted is not yet an incident (contract C1).

        summary is cut at 1024 characters, dedup_key must fit 255.
        """
        payload = {
            "summary": summary[:1024],
            "source": source,
            "severity": severity,
            "custom_details": dict(details or {}),
        }
        links = [{"href": link, "text": link_text or link}] if link else []
        await self._event("trigger", dedup_key, routing_key, payload=payload, links=links)

    async def acknowledge(self, dedup_key: str, *, routing_key: SecretRef | None = None) -> None:
        """Acknowledge. Without an open alert PagerDuty drops it silently (contract C1): look afterwards."""
        await self._event("acknowledge", dedup_key, routing_key)

    async def resolve(self, dedup_key: str, *, routing_key: SecretRef | None = None) -> None:
        """Resolve. Without an open alert PagerDuty drops it silently (contract C1): look afterwards."""
        await self._event("resolve", dedup_key, routing_key)

    async def page_person(
        self, user_id: str, title: str, *, key: str, details: str = "", service: str = ""
    ) -> PdIncident:
        """Page one person by an incident assigned to them. A second call with the same key returns the first incident.

        service: PagerDuty service id, default the configured one. The From user itself is never notified (contract C2).
        """
        place = service or self._service_id
        if not place or not self._from_email:
            todo = "Set PAGERDUTY_FROM and PAGERDUTY_SERVICE_ID."
            raise NotConfigured("PagerDuty needs a service and a From user to page people.", todo=todo)
        incident = {
            "type": "incident", "title": title[:1024], "incident_key": key, "urgency": "high",
            "service": {"id": place, "type": "service_reference"},
            "assignments": [{"assignee": {"id": user_id, "type": "user_reference"}}],
            "body": {"type": "incident_body", "details": details or title},
        }  # fmt: skip
        session = self._need_rest()
        send = {"incident": incident}
        try:
            body = await self._ask("REST", "POST /incidents", lambda: session.post("/incidents", json=send), write=True)
        except ServiceRefused as error:
            known = await self.incident_by_key(key) if error.code == "400" else None
            if known is None:
                raise
            return known
        return to_incident(body["incident"])

    @property
    def can_page_people(self) -> bool:
        """Whether a service and a From user are configured."""
        return bool(self._service_id and self._from_email)

    async def resolve_incident(self, incident_id: str) -> None:
        """Resolve an incident by id (contract C2); one that is resolved already stays so."""
        session, path = self._need_rest(), f"/incidents/{incident_id}"
        body = {"incident": {"type": "incident_reference", "status": "resolved"}}
        await self._ask("REST", f"PUT {path}", lambda: session.put(path, json=body), write=True)

    async def acknowledge_incident(self, incident_id: str) -> None:
        """Acknowledge an open incident by id (contract C2), whoever opened it; one that was acknowledged stays so."""
        session, path = self._need_rest(), f"/incidents/{incident_id}"
        self._need_from()
        page = await self.incident(incident_id)
        if page.status != "triggered":
            return  # saying it again would put the From user beside whoever has it
        body = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
        await self._ask("REST", f"PUT {path}", lambda: session.put(path, json=body), write=True)

    async def escalate(self, incident_id: str, level: int) -> PdIncident:
        """Hand an open incident to a level of its escalation policy: whoever is on call there is paged (contract C2).

        Refused for a level the policy has not, and for an incident that was resolved.
        """
        session, path = self._need_rest(), f"/incidents/{incident_id}"
        self._need_from()
        body = {"incident": {"type": "incident_reference", "escalation_level": level}}
        answer = await self._ask("REST", f"PUT {path}", lambda: session.put(path, json=body), write=True)
        return to_incident(answer["incident"])

    async def ask_responders(
        self, incident_id: str, message: str, *, users: Sequence[str] = (), policies: Sequence[str] = ()
    ) -> None:
        """Ask people, and whoever is on call for escalation policies, to join an incident; by ids (contract C2).

        Asking twice notifies twice: look at `PdIncident.asked` first. Refused where the account has no such feature.
        """
        session, path = self._need_rest(), f"/incidents/{incident_id}/responder_requests"
        me = await self.user_by_email(self._need_from())
        if me is None:
            raise Refused(f"PagerDuty has no user {self._from_email}. Nobody was asked.", todo="Check PAGERDUTY_FROM.")
        named = [("user_reference", one) for one in users]
        named += [("escalation_policy_reference", one) for one in policies]
        targets = [{"responder_request_target": {"id": one, "type": kind}} for kind, one in named]
        body = {"requester_id": me.id, "message": message, "responder_request_targets": targets}
        try:
            await self._ask("REST", f"POST {path}", lambda: session.post(path, json=body), write=True)
        except ServiceRefused as error:
            if error.code != "402":
                raise
            todo = "Use pagerduty.page_people instead."
            raise Refused("This PagerDuty account has no responder requests. Nobody was asked.", todo=todo) from None

    def _need_from(self) -> str:
        """E-mail of the From user, which PagerDuty wants for every change of an incident (contract C2)."""
        if not self._from_email:
            raise NotConfigured("PagerDuty needs a From user to change incidents.", todo="Set PAGERDUTY_FROM.")
        return self._from_email

    async def note(self, incident_id: str, content: str) -> None:
        """Add a note to an incident (at most 2000 of them)."""
        session, path = self._need_rest(), f"/incidents/{incident_id}/notes"
        self._need_from()
        body = {"note": {"content": content}}
        await self._ask("REST", f"POST {path}", lambda: session.post(path, json=body), write=True)

    async def _event(self, action: str, dedup_key: str, routing_key: SecretRef | None, **more: Any) -> None:
        event = {"event_action": action, "dedup_key": dedup_key, **more}

        def send() -> Any:
            # The key is revealed in the thread: a secret store may block, and it is let go of with the session.
            key = reveal(routing_key) if routing_key is not None else self._routing_key
            if not key:
                raise NotConfigured("PagerDuty has no routing key here.", todo="Set PAGERDUTY_ROUTING_KEY.")
            with _once(pdpyras.EventsAPISession(key), self._timeouts, self._events_url) as session:
                return session.post("/v2/enqueue", json=event)

        await self._ask("Events", f"{action} of {dedup_key}", send, write=True)


__all__ = ["OnCall", "PagerDuty", "PagerDutyReads", "PdIncident", "PdNote", "PdPolicy", "PdUser"]
