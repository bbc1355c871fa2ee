"""`host/rollback-tag`: the earlier release is checked out, built and running."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def earlier(stage: Stage) -> None:
    host = machine(stage)
    assert (host.release, host.built, host.well) == ("v1.3", "v1.3", True)


ENTRY = Entry(
    inputs={"service": "storefront", "release": "v1.3"}, incident={"service": "storefront"}, answers={"fits": "yes"},
    check=earlier,
)  # fmt: skip
