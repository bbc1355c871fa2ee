"""`host/database-container`: a restart that helps restores nothing."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def sick(stage: Stage) -> None:
    """The database hangs; a restart helps."""
    machine(stage).containers["ecommerce_postgres"].health = "unhealthy"


async def restarted(stage: Stage) -> None:
    host = machine(stage)
    assert host.well and host.database_up
    assert host.databases["main"] == "rows now", "nothing was restored"
    assert sum(line.endswith("restart postgres") for line in host.ran) == 1


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront"}, prepare=sick, check=restarted,
    skipped=("sure", "newest", "restore_it", "anew", "restore"), not_planned=("restore", "integrity"),
)  # fmt: skip
