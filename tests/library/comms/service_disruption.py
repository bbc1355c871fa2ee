"""`comms/service-disruption`: customers have one mail, in the words the comms lead read."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import letter
from tests.library.stage import Stage


async def told(stage: Stage) -> None:
    mail = letter(stage)
    assert "customers@lists.example.com" in mail["to"]
    assert "from 14:05 to 14:50 UTC Checkout was disrupted. Payments failed." in " ".join(mail["body"].split())


ENTRY = Entry(
    inputs={"service": "checkout", "kind": "after", "status": "Payments failed.", "began": "14:05", "ended": "14:50 UTC"},
    answers={"read": "yes"}, check=told, skipped=("during",),
)  # fmt: skip
