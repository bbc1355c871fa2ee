"""/playbook escrow: two people open who an erased person was; it is read once, and never stands in an answer."""

from __future__ import annotations

from typing import Any

from storage import escrow
from storage.db import Tx
from tests.commands.playbook.test_erase import SEAL, _erased, office  # noqa: F401  a fixture


async def test_opened_by_two_and_read_once(office: Any) -> None:  # noqa: F811
    await _erased(office)
    said = await office("Ben", "playbook escrow P-AAAAAAAAAAAA why")
    assert not said.ok and "Nothing is kept" in said.text
    asked = await office("Ben", f"playbook escrow {office.dan} the regulator asks")
    done = await office("Eve", f"playbook confirm {asked.data['decision']}")
    assert done.ok and "one reading" in done.text and "Dan" not in done.text

    def read(tx: Tx) -> Any:
        return escrow.read(tx, SEAL, office.dan, reader="muster")

    who = await office.house.db.write(read)
    assert who["name"] == "Dan" and ["slack", "T1/UDAN"] in who["accounts"]
    (event,) = await office.events("org", "escrow.opened")
    assert event.text("reason") == "the regulator asks" and len(event.body["by"]) == 2
