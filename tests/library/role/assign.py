"""`role/assign`: Eve comes into the channel, hears what the role is, and the topic names the commander."""

from __future__ import annotations

from bot.sandbox.world import BOT_USER
from tests.library.entry import Entry
from tests.library.stage import CHANNEL, Stage


async def assigned(stage: Stage) -> None:
    """In the channel, told once."""
    room = stage.sandbox.world.channels[CHANNEL]
    assert "U0EVE" in room.members
    assert room.topic.endswith("commander Ben")
    direct = stage.sandbox.world.direct("U0EVE")
    assert len([m for m in direct.messages if m.by_app]) == 1, BOT_USER


ENTRY = Entry(inputs={"person": "<@U0EVE>", "role": "Scribe", "duties": "Writes down what happens."}, check=assigned)
