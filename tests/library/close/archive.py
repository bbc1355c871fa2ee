"""`close/archive`: the channel is archived, once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def archived(stage: Stage) -> None:
    assert stage.sandbox.world.channels[CHANNEL].is_archived


ENTRY = Entry(check=archived)
