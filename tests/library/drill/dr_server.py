"""`drill/dr-server`: restored on the DR host and cleaned up there; production and its name are as before."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def still(stage: Stage) -> None:
    """Nothing runs at the DR host."""
    for one in machine(stage, "dr").containers.values():
        one.stop()


async def rehearsed(stage: Stage) -> None:
    host = machine(stage, "dr")
    assert set(host.databases.values()) == {"rows of the newest off-site backup"}
    assert not any(one.there for one in host.containers.values())
    assert machine(stage).databases["main"] == "rows now" and not machine(stage).ran


ENTRY = Entry(
    inputs={"service": "storefront", "site": "secondary"}, incident={"service": "storefront"}, kind="maintenance",
    prepare=still, check=rehearsed, not_planned=("main", "ai", "smoke", "integrity"),
)  # fmt: skip
