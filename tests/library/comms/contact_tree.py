"""`comms/contact-tree`: the war room is posted once, and management has mail."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def called(stage: Stage) -> None:
    assert sum("War room: https://meet.example.com/incident" in text for text in stage.posts(CHANNEL)) == 1
    room = stage.sandbox.world.channel(CHANNEL)
    assert room is not None and {"U0BEN", "U0CHI", "U0DOV"} <= set(room.members)
    assert {one["subject"] for one in stage.sandbox.mail.kept} == {"sev1 INC-1: checkout is down"}


ENTRY = Entry(inputs={"impact": "nobody can pay"}, check=called, skipped=("pair",))
