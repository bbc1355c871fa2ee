"""/playbook accept"""

from __future__ import annotations

from typing import Any

from bot.render.facts import incident_facts
from tests.commands.playbook.test_undo import deactivated


async def test_what_is_accepted_is_left_over_no_more(talk: Any) -> None:
    id = await deactivated(talk)
    assert [step.run for step in (await talk.read(lambda tx: incident_facts(tx, "INC-1"))).leftovers] == [id]
    reply = await talk("Ben", f"playbook accept {id} step=1 it was leaked")
    assert reply.ok and "changed stays" in reply.text
    assert (await talk.read(lambda tx: incident_facts(tx, "INC-1"))).leftovers == ()
    (event,) = await talk.events("INC-1", "step.accepted")
    assert event.text("reason") == "it was leaked"
