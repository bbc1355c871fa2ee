"""Alerts from outside: Alertmanager and anything that signs its calls, sent to the app as they send them.

Belongs here: bodies (Alertmanager's webhook, version 4), credentials, one call each. Does not belong here: PagerDuty's
webhooks (pagerduty/webhooks.py). The address is where PagerDuty's webhooks go, with another path.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from bot.sandbox.outgoing import Outgoing
from bot.sandbox.pagerduty.account import iso
from bot.sandbox.slack.elements import CannotDo

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

TOKEN = "sandbox-alertmanager-token"
HOOK, HOOK_SECRET = "shop", "sandbox-webhook-secret-of-the-shop"


class Alerts(Outgoing):
    """What sends them. Nothing is repeated by itself: the caller sees the status."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox

    async def alertmanager(self, asked: dict[str, Any]) -> int:
        """{alerts: [{labels, annotations?, status?, fingerprint?, startsAt?, generatorURL?}], group?, token?}."""
        alerts = [
            {"status": "firing", "annotations": {}, "startsAt": iso(), "endsAt": "0001-01-01T00:00:00Z",
             "generatorURL": "https://prometheus.example.com/graph",
             "fingerprint": hashlib.sha256(json.dumps(one["labels"], sort_keys=True).encode()).hexdigest()[:16], **one}
            for one in asked["alerts"]
        ]  # fmt: skip
        firing = any(one["status"] == "firing" for one in alerts)
        body: dict[str, Any] = {
            "version": "4", "groupKey": asked.get("group") or '{}:{alertname="x"}', "truncatedAlerts": 0,
            "status": "firing" if firing else "resolved", "receiver": "muster", "groupLabels": {}, "commonLabels": {},
            "commonAnnotations": {}, "externalURL": "https://alertmanager.example.com", "alerts": alerts,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {asked.get('token') or TOKEN}"}
        return await self._post("/webhooks/alertmanager", json.dumps(body).encode(), headers)

    async def signed(self, asked: dict[str, Any]) -> int:
        """{name?, body, secret?, shift?}: a signed call of whatever else there is."""
        raw = json.dumps(asked["body"]).encode()
        stamp = str(int(time.time() + float(asked.get("shift") or 0)))
        secret = str(asked.get("secret") or HOOK_SECRET)
        mac = hmac.new(secret.encode(), f"v1:{stamp}:".encode() + raw, hashlib.sha256).hexdigest()
        headers = {"X-Muster-Timestamp": stamp, "X-Muster-Signature": f"v1={mac}"}
        return await self._post(f"/webhooks/in/{asked.get('name') or HOOK}", raw, headers)

    async def _post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        url = urlsplit(self.sandbox.webhooks.url)
        if not url.netloc:
            raise CannotDo("nobody said where webhooks go (deliver_to with pagerduty_url)")
        limit = aiohttp.ClientTimeout(total=10)
        more = headers | {"Content-Type": "application/json"}
        address = f"{url.scheme}://{url.netloc}{path}"
        async with self.session.post(address, data=body, headers=more, timeout=limit) as answer:
            await answer.read()
            return answer.status
