"""CloudTrail's `LookupEvents`, which moto does not have: the calls this sandbox was sent, and a leaked key's past.

Belongs here: recording calls to the AWS stand-in as events, answering one look-up as CloudTrail does (newest first, at
most 50 at a time, one attribute, one region). Does not belong here: trails themselves (moto has them).
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEAKED = "AKIAIOSFODNN7EXAMPLE"  # the key whose past there is
PAGE, MOST = 50, 5_000
SIGNED = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
PAST = (  # seconds ago, service, action, source address, error
    (5400, "sts", "GetCallerIdentity", "192.0.2.7", ""),
    (5340, "iam", "ListUsers", "192.0.2.7", "AccessDenied"),
    (5280, "s3", "ListBuckets", "192.0.2.7", ""),
    (5200, "secretsmanager", "GetSecretValue", "198.51.100.23", "AccessDenied"),
)


@dataclass(frozen=True)
class Event:
    """One call. at: seconds since 1970; error: AWS's code, "" where it was carried out."""

    at: float
    key: str
    region: str
    service: str
    action: str
    address: str
    error: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def as_json(self) -> dict[str, Any]:
        """As LookupEvents shows it."""
        source = f"{self.service}.amazonaws.com"
        detail: dict[str, Any] = {
            "eventVersion": "1.09", "eventSource": source, "eventName": self.action, "awsRegion": self.region,
            "sourceIPAddress": self.address, "eventID": self.id, "userIdentity": {"accessKeyId": self.key},
        }  # fmt: skip
        if self.error:
            detail["errorCode"] = self.error
        return {
            "EventId": self.id, "EventName": self.action, "EventTime": round(self.at, 3), "EventSource": source,
            "AccessKeyId": self.key, "Username": "deploy", "Resources": [], "CloudTrailEvent": json.dumps(detail),
        }  # fmt: skip


class CloudTrail:
    """What happened in one account."""

    def __init__(self, region: str) -> None:
        now = time.time()
        self.events = [Event(now - ago, LEAKED, region, service, action, address, error)
                       for ago, service, action, address, error in PAST]  # fmt: skip

    def saw(self, authorization: str, action: str, address: str, error: str) -> None:
        """A call to this stand-in: an event from now on, where it was signed."""
        signed = SIGNED.search(authorization)
        if signed is not None and len(self.events) < MOST and not action.startswith("GET "):
            self.events.append(Event(time.time(), signed[1], signed[2], signed[3], action, address, error))

    def lookup(self, asked: Mapping[str, Any], region: str) -> tuple[int, dict[str, Any]]:
        """Status and answer of one LookupEvents."""
        wanted = asked.get("LookupAttributes") or []
        if len(wanted) > 1 or any(one.get("AttributeKey") not in ("AccessKeyId", "EventName") for one in wanted):
            return _refused("InvalidLookupAttributesException", "one attribute, which this stand-in knows")
        since, until = float(asked.get("StartTime") or 0), float(asked.get("EndTime") or time.time() + 1)
        if since > until:
            return _refused("InvalidTimeRangeException", "the start is after the end")
        size = int(asked.get("MaxResults") or PAGE)
        if not 1 <= size <= PAGE:
            return _refused("InvalidMaxResultsException", f"1 to {PAGE}")
        start = str(asked.get("NextToken") or "0")
        if not start.isdigit():
            return _refused("InvalidNextTokenException", "not a token of ours")
        names = {"AccessKeyId": "key", "EventName": "action"}
        found = [one for one in self.events if one.region == region and since <= one.at <= until
                 and all(getattr(one, names[w["AttributeKey"]]) == w["AttributeValue"] for w in wanted)]  # fmt: skip
        found.sort(key=lambda one: one.at, reverse=True)
        end = int(start) + size
        more = {"NextToken": str(end)} if end < len(found) else {}
        return 200, {"Events": [one.as_json() for one in found[int(start) : end]], **more}


def _refused(code: str, message: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": code, "message": message}
