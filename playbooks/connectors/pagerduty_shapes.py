"""What PagerDuty's REST API shows, as types: incidents, users, who is on call, escalation policies, notes.

Belongs here: data, no SDK. Does not belong here: any call (`pagerduty.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]
OPEN = ("triggered", "acknowledged")


@dataclass(frozen=True)
class PdIncident:
    """A PagerDuty incident. status: triggered, acknowledged or resolved. created_at: UTC, None when not sent.

    policy_id: its escalation policy; assigned, assigned_ids: who is paged now; asked: ids of people and escalation
    policies that were asked to join as responders.
    """

    id: str
    key: str
    status: str
    title: str
    url: str
    service: str
    assigned: tuple[str, ...]
    created_at: datetime | None = None
    policy_id: str = ""
    assigned_ids: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether somebody is still being paged for it, or works on it."""
        return self.status in OPEN


@dataclass(frozen=True)
class PdUser:
    """A PagerDuty user."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class OnCall:
    """One on-call entry. start, end: ISO 8601 or "" for a permanent one (contract C2)."""

    user: PdUser
    policy_id: str
    policy: str
    schedule: str
    level: int
    start: str
    end: str


@dataclass(frozen=True)
class PdPolicy:
    """An escalation policy. levels: how many it has."""

    id: str
    name: str
    levels: int


@dataclass(frozen=True)
class PdNote:
    """A note of an incident. user_id: who wrote it; created_at: UTC, None when not sent."""

    content: str
    user_id: str
    created_at: datetime | None


def to_incident(raw: Json) -> PdIncident:
    """An incident of REST v2 -> PdIncident."""
    created = str(raw.get("created_at") or "")
    return PdIncident(
        id=str(raw["id"]),
        key=str(raw.get("incident_key") or ""),
        status=str(raw.get("status") or ""),
        title=str(raw.get("title") or raw.get("summary") or ""),
        url=str(raw.get("html_url") or ""),
        service=str((raw.get("service") or {}).get("summary") or (raw.get("service") or {}).get("id") or ""),
        assigned=tuple(str((a.get("assignee") or {}).get("summary") or "") for a in raw.get("assignments") or ()),
        created_at=datetime.fromisoformat(created) if created else None,
        policy_id=str((raw.get("escalation_policy") or {}).get("id") or ""),
        assigned_ids=tuple(str((a.get("assignee") or {}).get("id") or "") for a in raw.get("assignments") or ()),
        asked=_asked(raw),
    )


def _asked(raw: Json) -> tuple[str, ...]:
    """Everybody named by a responder request. PagerDuty shows a target bare or inside `responder_request_target`."""
    people = [str((one.get("user") or {}).get("id") or "") for one in raw.get("incidents_responders") or ()]
    targets = [t for one in raw.get("responder_requests") or () for t in one.get("responder_request_targets") or ()]
    named = [str((one.get("responder_request_target") or one).get("id") or "") for one in targets]
    return tuple(dict.fromkeys(one for one in [*people, *named] if one))


def to_user(raw: Json) -> PdUser:
    """A user or user reference -> PdUser. References carry the name as `summary` and no e-mail."""
    return PdUser(str(raw["id"]), str(raw.get("name") or raw.get("summary") or ""), str(raw.get("email") or ""))


def to_on_call(raw: Json) -> OnCall:
    """An entry of /oncalls -> OnCall."""
    return OnCall(
        user=to_user(raw["user"]),
        policy_id=str((raw.get("escalation_policy") or {}).get("id") or ""),
        policy=str((raw.get("escalation_policy") or {}).get("summary") or ""),
        schedule=str((raw.get("schedule") or {}).get("summary") or ""),
        level=int(raw.get("escalation_level") or 1),
        start=str(raw.get("start") or ""),
        end=str(raw.get("end") or ""),
    )


def to_policy(raw: Json) -> PdPolicy:
    """An escalation policy -> PdPolicy."""
    return PdPolicy(
        str(raw["id"]), str(raw.get("name") or raw.get("summary") or ""), len(raw.get("escalation_rules") or ())
    )


def to_note(raw: Json) -> PdNote:
    """A note -> PdNote."""
    created = str(raw.get("created_at") or "")
    at = datetime.fromisoformat(created) if created else None
    return PdNote(str(raw.get("content") or ""), str((raw.get("user") or {}).get("id") or ""), at)
