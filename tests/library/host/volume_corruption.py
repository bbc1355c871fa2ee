"""`host/volume-corruption`: the newest backups on a new volume, the damaged one in a file."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def damaged(stage: Stage) -> None:
    """The database does not come up on its volume, whatever is restarted."""
    host = machine(stage)
    host.containers["ecommerce_postgres"].sick, host.containers["ecommerce_postgres"].health = True, "unhealthy"
    host.volumes["ecommerce_postgres_data"] = "torn pages"


async def whole(stage: Stage) -> None:
    host = machine(stage)
    assert host.databases == {"main": "main 3 h ago", "ai": "ai 3 h ago"} and host.well
    packed = [path for path in host.files if path.startswith("/backups/emergency/ecommerce_postgres_data-")]
    assert len(packed) == 1 and host.files[packed[0]].content == "torn pages"
    assert host.volumes["ecommerce_postgres_data"] == ""


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront"}, prepare=damaged,
    answers={"confirmed": "yes"}, check=whole,
    not_planned=("integrity",),
)  # fmt: skip
