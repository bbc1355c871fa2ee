"""`drill/disk-full`: the alert fired, the disk was never quite full, and it has room again."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage


async def freed(stage: Stage) -> None:
    await nothing_left(stage)
    host = machine(stage, "staging")
    assert host.full_at is not None and host.disk_used == 61
    assert not any(path.endswith("muster_fill.dat") for path in host.files)
    assert sum("fallocate" in line for line in host.ran) == 1 and host.well


ENTRY = Entry(
    inputs={"service": "corporate-intel"}, incident={"service": "corporate-intel", "kind": "drill"}, kind="drill",
    site="sandbox", check=freed,
)  # fmt: skip
