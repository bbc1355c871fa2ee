"""`backup/verify`."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def untouched(stage: Stage) -> None:
    host = machine(stage)
    assert host.databases["main"] == "rows now" and not host.receipts


ENTRY = Entry(inputs={"service": "storefront"}, incident=None, check=untouched)
