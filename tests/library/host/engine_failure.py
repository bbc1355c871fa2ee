"""`host/engine-failure`: room on the disk, the engine back, every container healthy, every volume untouched."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def full(stage: Stage) -> None:
    """The disk is full and the engine dead. The database was stopped, so that its volume is in use by nothing."""
    host = machine(stage)
    host.disk_used, host.services["docker"] = 100, "failed"
    for one in host.containers.values():
        one.stop()
    stage.keep["volumes"] = dict(host.volumes)


async def back(stage: Stage) -> None:
    host = machine(stage)
    assert host.well and host.disk_used <= 90
    assert host.volumes == stage.keep["volumes"] and "ecommerce/backend:old" not in host.images
    assert not any("system prune" in line or "--volumes" in line for line in host.ran)


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront"}, prepare=full, check=back,
    skipped=("sure", "reinstall"), not_planned=("checks",),
)  # fmt: skip
