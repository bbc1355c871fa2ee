"""`kubernetes/restart`: every pod is a new one of the same images."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import Stage


async def before(stage: Stage) -> None:
    await healthy(stage)
    stage.keep["seen"] = await deployed(stage)


async def restarted(stage: Stage) -> None:
    now = await deployed(stage)
    assert now.images == stage.keep["seen"].images and now.revision > stage.keep["seen"].revision


ENTRY = Entry(inputs={"service": "checkout"}, prepare=before, check=restarted)
