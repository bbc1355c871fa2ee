"""`kubernetes/scale-up`: as many pods as asked for."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import Stage


async def more(stage: Stage) -> None:
    assert (await deployed(stage)).replicas == 5


ENTRY = Entry(inputs={"service": "checkout", "replicas": 5}, prepare=healthy, check=more)
