"""`dr/breach`: contained first, and the authority gets what people of security said, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.connectors.kubernetes import KubernetesReads
from tests.library.entry import Entry
from tests.library.prepared import letter
from tests.library.stage import Stage


def inputs(stage: Stage) -> Mapping[str, Any]:
    since = datetime.now(UTC) - timedelta(days=1)
    return {"service": "checkout", "actor": "api", "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"}


async def told(stage: Stage) -> None:
    rules = await stage.tool(KubernetesReads).network_rules("production", "")
    assert "muster-isolate" in [rule.name for rule in rules]
    mail = letter(stage)
    assert "exports by a leaked key" in mail["body"] and "privacy@example.com" in mail["to"]


FOUND = {
    "accessed": "yes", "nature": "exports by a leaked key", "people": "about 40 customers", "consequences": "fraud",
    "measures": "key revoked", "found_at": "2026-11-21T08:00Z", "contact": "privacy@example.com",
}  # fmt: skip
ENTRY = Entry(inputs=inputs, check=told, answers={"found": FOUND, "legal": ("notify", "article 33 applies")})
