"""Statuspage: reading (`StatuspageReads`) and acting (`Statuspage`), API v1 over httpx (contract D).

Belongs here: the calls, their shapes, and the marker by which an incident of ours is found again, since Statuspage has
no idempotency key. All methods raise Temporary, Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    retry_after,
    short,
    too_many,
)
from playbooks.connectors.http import sent, trusted
from playbooks.connectors.pace import Spacing

Json = Mapping[str, Any]
API_URL = "https://api.statuspage.io/v1"
EVERY_S = 1.0  # contract D: one request a second per token
NEXT_STEP = {
    401: "Check STATUSPAGE_API_KEY.",
    403: "The key's user may not do this on the page.",
    404: "Check STATUSPAGE_PAGE_ID and the incident's id.",
}


@dataclass(frozen=True)
class Component:
    """A component of the page. status: operational, degraded_performance, partial_outage, major_outage ..."""

    id: str
    name: str
    status: str


@dataclass(frozen=True)
class StatusUpdate:
    """One published update. created_at: ISO 8601."""

    status: str
    body: str
    created_at: str


@dataclass(frozen=True)
class StatusIncident:
    """An incident of the page. url: where customers see it. updates: newest first. markers: what we put in metadata."""

    id: str
    name: str
    status: str
    impact: str
    url: str
    components: tuple[Component, ...]
    updates: tuple[StatusUpdate, ...]
    markers: frozenset[str]
    begins: datetime | None = None  # of a maintenance
    ends: datetime | None = None

    @property
    def resolved(self) -> bool:
        """Whether customers see it as over."""
        return self.status in ("resolved", "completed", "postmortem")


def to_component(raw: Json) -> Component:
    """A component object -> Component."""
    return Component(str(raw["id"]), str(raw.get("name") or ""), str(raw.get("status") or ""))


def to_incident(raw: Json) -> StatusIncident:
    """An incident object -> StatusIncident."""
    mine = (raw.get("metadata") or {}).get("muster") or {}
    return StatusIncident(
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        status=str(raw.get("status") or ""),
        impact=str(raw.get("impact") or ""),
        url=str(raw.get("shortlink") or ""),
        components=tuple(to_component(one) for one in raw.get("components") or ()),
        updates=tuple(
            StatusUpdate(str(one.get("status") or ""), str(one.get("body") or ""), str(one.get("created_at") or ""))
            for one in raw.get("incident_updates") or ()
        ),
        markers=frozenset(str(value) for value in mine.values() if value),
        begins=datetime.fromisoformat(raw["scheduled_for"]) if raw.get("scheduled_for") else None,
        ends=datetime.fromisoformat(raw["scheduled_until"]) if raw.get("scheduled_until") else None,
    )


class StatuspageReads:
    """What can be asked of one page.

    Settings: API key, page id, API base, time-outs in seconds. pace: share one between the reading and the acting
    object, because the limit counts per key.
    """

    vendor = "Statuspage"
    acting = False

    def __init__(
        self,
        api_key: str,
        page_id: str,
        *,
        api_url: str = API_URL,
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        pace: Spacing | None = None,
    ) -> None:
        self._page_id = page_id
        self._pace = pace or Spacing(EVERY_S)
        self._deadline_s = connect_timeout + read_timeout + 1
        self._client = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={"Authorization": f"OAuth {api_key}"},
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            trust_env=not is_loopback(api_url),
            verify=trusted(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def unresolved(self) -> list[StatusIncident]:
        """Incidents customers see as going on, newest first."""
        return [to_incident(raw) for raw in await self._ask("GET", "/incidents/unresolved")]

    async def find_by_marker(self, *markers: str) -> StatusIncident | None:
        """The newest incident created with one of these markers: among the unresolved, then among the last hundred."""
        wanted = frozenset(marker for marker in markers if marker)
        for path in ("/incidents/unresolved", "/incidents?limit=100"):
            for raw in await self._ask("GET", path):
                incident = to_incident(raw)
                if incident.markers & wanted:
                    return incident
        return None

    async def incident(self, incident_id: str) -> StatusIncident:
        """One incident by id. Refused 404 when there is none."""
        return to_incident(await self._ask("GET", f"/incidents/{incident_id}"))

    async def components(self) -> list[Component]:
        """The page's components."""
        return [to_component(raw) for raw in await self._ask("GET", "/components?per_page=100")]

    async def component_ids(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Ids of components given by id or name, in that order. Refused for an unknown one, naming those there are."""
        if not wanted:
            return ()
        known = await self.components()
        ids = {one.id: one.id for one in known} | {one.name.lower(): one.id for one in known}
        unknown = [name for name in wanted if name not in ids and name.lower() not in ids]
        if unknown:
            there = ", ".join(sorted(one.name for one in known))
            words = f"Statuspage has no component {', '.join(unknown)}."
            raise ServiceRefused(self.vendor, "404", words, todo=f"There are: {there}.")
        return tuple(ids.get(name) or ids[name.lower()] for name in wanted)

    async def _ask(self, verb: str, path: str, body: Json | None = None) -> Any:
        """One request at its turn, sorted by what its answer means."""
        write, call = verb != "GET", f"{verb} {path}"
        await self._pace.turn()
        request = self._client.request(verb, f"/pages/{self._page_id}{path}", json=body)
        response = await sent(self.vendor, call, request, write=write, deadline_s=self._deadline_s)
        status = response.status_code
        if status in (420, 429):
            raise too_many(self.vendor, call, status, retry_after(response.headers))
        if status >= 500:
            raise no_answer(self.vendor, call, f"status {status}", write=write)
        if status >= 400:
            words = f"Statuspage refused {call}: {status} {_words(response)}".strip()
            raise ServiceRefused(self.vendor, str(status), words, todo=NEXT_STEP.get(status, ""))
        try:
            return response.json()
        except ValueError:
            raise no_answer(self.vendor, call, "the answer is not JSON", write=write) from None


def _words(response: httpx.Response) -> str:
    """Statuspage's own explanation: `error` is a text or a list of them."""
    try:
        error = response.json().get("error")
    except (ValueError, AttributeError):
        return short(response.text)
    return short("; ".join(str(one) for one in error) if isinstance(error, list) else str(error or ""))


class Statuspage(StatuspageReads):
    """What can be done on one page. Every update reaches customers."""

    acting = True

    async def create(
        self,
        name: str,
        body: str,
        *,
        status: str,
        impact: str,
        markers: Mapping[str, str],
        components: Mapping[str, str] | None = None,
        component_ids: Sequence[str] = (),
        deliver_notifications: bool = True,
    ) -> StatusIncident:
        """Publish an incident. Not repeatable: look with find_by_marker before doing it again.

        markers: name -> value, kept in metadata. components: id -> status to set; component_ids: those listed.
        Statuspage notifies subscribers unless told not to.
        """
        incident: dict[str, Any] = {
            "name": name, "body": body, "status": status, "impact_override": impact,
            "metadata": {"muster": dict(markers)}, "deliver_notifications": deliver_notifications,
            "component_ids": list(component_ids),
        }  # fmt: skip
        if components:
            incident["components"] = dict(components)
        return to_incident(await self._ask("POST", "/incidents", {"incident": incident}))

    async def schedule(
        self,
        name: str,
        body: str,
        *,
        begins: datetime,
        ends: datetime,
        markers: Mapping[str, str],
        component_ids: Sequence[str] = (),
        deliver_notifications: bool = True,
    ) -> StatusIncident:
        """Publish a maintenance that begins and ends by itself. Not repeatable, as `create`.

        begins, ends: with time zones. Its components are under maintenance in between.
        """
        incident: dict[str, Any] = {
            "name": name, "body": body, "status": "scheduled", "impact_override": "maintenance",
            "scheduled_for": begins.isoformat(), "scheduled_until": ends.isoformat(),
            "scheduled_auto_in_progress": True, "scheduled_auto_completed": True,
            "auto_transition_to_maintenance_state": True, "auto_transition_to_operational_state": True,
            "metadata": {"muster": dict(markers)}, "deliver_notifications": deliver_notifications,
            "component_ids": list(component_ids),
        }  # fmt: skip
        return to_incident(await self._ask("POST", "/incidents", {"incident": incident}))

    async def update(
        self,
        incident_id: str,
        *,
        body: str,
        status: str,
        components: Mapping[str, str] | None = None,
        deliver_notifications: bool = True,
    ) -> StatusIncident:
        """Publish an update; doing it twice publishes it twice. components: id -> status to set."""
        incident: dict[str, Any] = {"body": body, "status": status, "deliver_notifications": deliver_notifications}
        if components:
            incident["components"] = dict(components)
            incident["component_ids"] = list(components)
        return to_incident(await self._ask("PATCH", f"/incidents/{incident_id}", {"incident": incident}))

    async def set_component(self, component_id: str, state: str) -> Component:
        """Show a component in this state; doing it twice changes nothing more. Nobody is notified."""
        body = {"component": {"status": state}}
        return to_component(await self._ask("PATCH", f"/components/{component_id}", body))
