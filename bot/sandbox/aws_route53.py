"""Corrections of moto's Route 53, each by name; and what resolvers get to hear of its records. Never in the product.

1. ``GetChange``: moto says INSYNC at once. A change is PENDING for ``dns_sync_seconds`` (contract E2).
2. Zones of the example policy exist under the ids it names (moto makes up its own).
The DNS server (``dns.py``) answers from what was in sync last.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from bot.sandbox.settings import Settings

ZONES = {"Z123456789": "checkout.example.com", "Z1234567890ABC": "api.example.com",
         "Z0987654321DEF": "staging.example.com"}  # fmt: skip
# name, type, values of the records that stand there in the beginning (muster.example.yaml).
RECORDS = (
    ("Z123456789", "checkout.example.com", "CNAME", ("primary.checkout.example.com",)),
    ("Z1234567890ABC", "api.example.com", "A", ("203.0.113.10",)),
    ("Z0987654321DEF", "staging.example.com", "A", ("203.0.113.30",)),
)
PATHS = (
    (
        re.compile(r"/2013-04-01/hostedzone/[^/]+/rrset/?"),
        {"POST": "ChangeResourceRecordSets", "GET": "ListResourceRecordSets"},
    ),
    (re.compile(r"/2013-04-01/change/[^/]+"), {"GET": "GetChange"}),
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """A record set as resolvers know it."""

    ttl: int
    values: tuple[str, ...]
    weight: int | None


def action_of(method: str, path: str) -> str:
    """The API action of a REST request to Route 53, "" for another one."""
    return next((names[method] for pattern, names in PATHS if pattern.fullmatch(path) and method in names), "")


def _target(record: Any) -> str:
    """The name an alias points to, "" for another record."""
    return str((record.alias_target or {}).get("DNSName") or "").lower().rstrip(".")


class Route53Corrections:
    """Around each request, on moto's own zones."""

    def __init__(self, backend: Any, settings: Settings) -> None:
        self.backend, self.settings = backend, settings
        self.published: dict[tuple[str, str], list[Published]] = {}
        self._pending: set[str] = set()
        for id, name in ZONES.items():
            zone = backend.create_hosted_zone(name=name, private_zone=False)
            del backend.zones[zone.resource_id]
            zone.resource_id = id
            backend.zones[id] = zone
        for zone_id, name, type, values in RECORDS:
            backend.zones[zone_id].upsert_rrset({
                "Name": f"{name}.", "Type": type, "TTL": 60, "ResourceRecords": list(values),
            })  # fmt: skip
        self.publish()

    def publish(self) -> None:
        """Let resolvers know what stands in the zones now."""
        found: dict[tuple[str, str], list[Published]] = {}
        aliases: list[tuple[tuple[str, str], str]] = []
        for zone in self.backend.zones.values():
            for record in zone.rrsets:
                values = tuple(str(one["Value"] if isinstance(one, dict) else one) for one in record.records)
                key = (str(record.name).lower().rstrip("."), str(record.type))
                if target := _target(record):
                    aliases.append((key, target))
                weight = None if record.weight in (None, "") else int(record.weight)
                found.setdefault(key, []).append(Published(int(record.ttl or 60), values, weight))
        for key, target in aliases:  # they answer as their target does, with its addresses
            found[key] = list(found.get((target, key[1]), ()))
        self.published = found

    def after(self, action: str, text: str, worked: bool) -> str:
        """Correction 1: the answer's text, PENDING until it is in sync. Call in the event loop."""
        change = re.search(r"<Id>(?:/change/)?([^<]+)</Id>", text)
        if change is None or not worked:
            return text
        id = change[1].rpartition("/")[2]
        if action == "ChangeResourceRecordSets":
            self._pending.add(id)
            asyncio.get_running_loop().call_later(self.settings.dns_sync_seconds, self._synced, id)
        return text.replace(">INSYNC<", ">PENDING<") if id in self._pending else text

    def _synced(self, id: str) -> None:
        self._pending.discard(id)
        self.publish()

    def sync(self) -> None:
        """Let servers and resolvers know every change now, whatever `dns_sync_seconds` says."""
        self._pending.clear()
        self.publish()

    def change(self, name: str, type: str, values: tuple[str, ...]) -> None:
        """Change a record by hand, as somebody else would, known to resolvers at once. Raises ValueError."""
        for zone in self.backend.zones.values():
            if any(str(one.name).rstrip(".") == name and one.type == type for one in zone.rrsets):
                zone.upsert_rrset({"Name": f"{name}.", "Type": type, "TTL": 60, "ResourceRecords": list(values)})
                self.publish()
                return
        raise ValueError(f"no {type} record {name}")
