"""/incident publish"""

from __future__ import annotations

from typing import Any

from storage import incidents


async def test_once_and_never_for_a_private_one(talk: Any) -> None:
    id = await talk.declare()
    assert "Publishing *INC-1*" in (await talk("Ana", "incident publish")).text
    await talk.house.db.write(lambda tx: incidents.set_facts(tx, id, {"status_page_incident": "p31"}))
    assert "already" in (await talk("Ana", "incident publish")).text
    await talk.declare("sev1 leak type=security", channel="C43")
    assert "never published" in (await talk("Ana", "incident publish")).text
