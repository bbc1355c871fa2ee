"""`comms/post-mortem`: one fresh draft, shared in the channel."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def shared(stage: Stage) -> None:
    """One file, in the incident's channel."""
    assert [f.channels for f in stage.sandbox.world.files.values() if f.completed] == [[CHANNEL]]


ENTRY = Entry(check=shared)
