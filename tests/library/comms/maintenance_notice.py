"""`comms/maintenance-notice`: customers have one mail that says what, when and for how long."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import letter
from tests.library.stage import Stage


async def told(stage: Stage) -> None:
    mail = letter(stage)
    assert mail["subject"] == "Scheduled maintenance: a regional failover test"
    assert "on Sunday from 22:00 to 23:00 UTC" in " ".join(mail["body"].split())


ENTRY = Entry(
    inputs={"day": "Sunday", "begins": "22:00", "ends": "23:00 UTC"}, answers={"read": "yes"}, check=told,
)  # fmt: skip
