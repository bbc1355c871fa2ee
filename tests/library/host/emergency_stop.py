"""`host/emergency-stop`: nothing runs, and every volume is as it was."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def stopped(stage: Stage) -> None:
    host = machine(stage)
    assert not any(one.running for one in host.containers.values())
    assert host.volumes == {"ecommerce_postgres_data": "rows", "ecommerce_media": "pictures"}


ENTRY = Entry(inputs={"service": "storefront"}, incident={"service": "storefront"}, check=stopped)
