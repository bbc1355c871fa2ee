"""`host/blue-green-rollback`: traffic goes to the other colour, switched once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def switched(stage: Stage) -> None:
    assert machine(stage).colour == "blue"


ENTRY = Entry(
    inputs={"service": "storefront"}, incident={"service": "storefront"}, answers={"fits": "yes"}, check=switched
)
