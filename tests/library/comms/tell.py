"""`comms/tell`: one letter, in the words of the template and the values that were shown."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import letter
from tests.library.stage import Stage


async def written(stage: Stage) -> None:
    mail = letter(stage)
    assert "customers@lists.example.com" in mail["to"]
    assert "We expect to be back, at the latest, at 15:00." in " ".join(mail["body"].split())


VALUES = [
    "service=Checkout",
    "status=Payments fail.",
    "eta=to be back, at the latest, at 15:00",
    "url=https://x.test/a=b",
]
ENTRY = Entry(inputs={"to": "customers", "template": "dr_activation", "values": VALUES}, check=written)
