"""`failback/prepare`: the service stays where it is, and its primary site is known to follow."""

from __future__ import annotations

from storage import placements
from tests.library.away import following
from tests.library.entry import Entry
from tests.library.stage import Stage


async def untouched(stage: Stage) -> None:
    placed = await stage.db.read(lambda tx: placements.newest(tx, "checkout"))
    assert placed is not None and placed.site == "secondary"


ENTRY = Entry(inputs={"service": "checkout"}, prepare=following, check=untouched)
