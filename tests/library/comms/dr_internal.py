"""`comms/dr-internal`: responders have the mail, the channel the post, once each."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import letter
from tests.library.stage import CHANNEL, Stage


async def told(stage: Stage) -> None:
    mail = letter(stage)
    assert "incident@example.com" in mail["to"] and "at level regional outage" in mail["body"]
    assert stage.posts(CHANNEL)[-1].startswith("*Disaster recovery of Checkout* (regional outage): failing over.")


ENTRY = Entry(
    inputs={"service": "checkout", "level": "regional outage", "status": "failing over.", "eta": "45 minutes"},
    check=told,
)
