"""CloudTrail: what a key did. Part of `aws.py`.

Looking up takes two requests a second per region, answers at most 50 at a time, knows 90 days of management events (not
who read which object), and hears of a call up to a quarter of an hour later.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.connectors.answers import short
from playbooks.connectors.aws_client import AwsClient

PAGE = 50
BETWEEN_S = 0.5


@dataclass(frozen=True)
class TrailEvent:
    """One call. at: UTC; call: "iam ListUsers"; error: AWS's code, "" where it was carried out."""

    id: str
    at: datetime
    call: str
    region: str
    address: str
    error: str


class CloudTrailReads(AwsClient):
    """What can be asked of CloudTrail."""

    async def trail_of_key(
        self, key: str, since: datetime, until: datetime, most: int
    ) -> tuple[list[TrailEvent], bool]:
        """What was called with an access key in this region, newest first; and whether there is more than `most`."""
        wanted = [{"AttributeKey": "AccessKeyId", "AttributeValue": key}]
        asked: dict[str, Any] = {"LookupAttributes": wanted, "StartTime": since, "EndTime": until, "MaxResults": PAGE}
        found: list[TrailEvent] = []
        while True:
            told = await self._call("cloudtrail", "lookup_events", write=False, **asked)
            found += [_event(one) for one in told.get("Events") or ()]
            token = told.get("NextToken")
            if not token or len(found) > most:
                return found[:most], bool(token) or len(found) > most
            asked["NextToken"] = token
            await asyncio.sleep(BETWEEN_S)


def _event(raw: Mapping[str, Any]) -> TrailEvent:
    try:
        told = json.loads(raw.get("CloudTrailEvent") or "{}")
    except ValueError:
        told = {}
    service = str(raw.get("EventSource") or "").partition(".")[0]
    return TrailEvent(
        str(raw.get("EventId") or ""), raw["EventTime"], f"{service} {raw.get('EventName') or ''}".strip(),
        str(told.get("awsRegion") or ""), short(str(told.get("sourceIPAddress") or "")),
        str(told.get("errorCode") or ""),
    )  # fmt: skip
