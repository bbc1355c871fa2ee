"""`sev/raise`: a sev1 pages, invites and shows its commander, all once."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def raised(stage: Stage) -> None:
    """One page; sre and comms are in the channel."""
    assert len(stage.sandbox.pagerduty.incidents) == 1
    room = stage.sandbox.world.channels[CHANNEL]
    assert {"U0BEN", "U0CHI", "U0DOV"} <= set(room.members)
    assert room.topic.endswith("commander Ben")


ENTRY = Entry(check=raised, skipped=("topic", "status", "ticket"))
