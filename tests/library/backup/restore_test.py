"""`backup/restore-test`: production is as before, and the script ran once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def restored(stage: Stage) -> None:
    host = machine(stage)
    assert sum("verify-backup.sh" in line for line in host.ran) == 1
    assert host.databases["main"] == "rows now" and host.well


ENTRY = Entry(inputs={"service": "storefront"}, incident=None, check=restored)
