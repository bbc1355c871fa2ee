"""`kubernetes/roll-back`: the images of the revision before run again."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import deployed, healthy
from tests.library.stage import Stage


async def before(stage: Stage) -> None:
    await healthy(stage)
    stage.keep["images"] = (await deployed(stage)).images


async def back(stage: Stage) -> None:
    now = await deployed(stage)
    assert now.images != stage.keep["images"] and now.rollout().done


ENTRY = Entry(inputs={"service": "checkout"}, prepare=before, check=back)
