"""`host/ransomware-restore`: the newest backups made by the safe moment, on a new volume, with a copy of the old one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.library.entry import Entry
from tests.library.prepared import isolated, machine
from tests.library.stage import Stage

SAFE = datetime.now(UTC) - timedelta(hours=10)  # between the backups of 9 and of 15 hours ago


async def attacked(stage: Stage) -> None:
    """Isolated, with rows nobody wants."""
    await isolated(stage)
    host = machine(stage)
    host.volumes["ecommerce_postgres_data"] = "encrypted rows"
    host.databases = {"main": "encrypted", "ai": "encrypted"}


async def clean(stage: Stage) -> None:
    host = machine(stage)
    assert host.databases == {"main": "main 15 h ago", "ai": "ai 15 h ago"}
    assert host.volumes["forensic-ecommerce_postgres_data-inc-1"] == "encrypted rows"
    assert host.volumes["ecommerce_postgres_data"] != "encrypted rows" and host.database_up
    assert len(host.rules) == 2, "the ports stay closed"


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront", "title": "files are encrypted"},
    prepare=attacked, answers={"point": {"safe_time": SAFE.isoformat()}, "clean": "yes"}, check=clean,
)  # fmt: skip
