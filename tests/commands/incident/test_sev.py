"""/incident sev"""

from __future__ import annotations

from typing import Any


async def test_it_changes_with_the_reason_and_new_clocks(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident sev sev2 only one shop")
    assert "*INC-1* is *sev2* now (was sev1)" in reply.text and "every 1 h" in reply.text
    event = (await talk.events("INC-1", "incident.severity"))[0]
    assert event.body == {"from": "sev1", "to": "sev2"} and event.text("reason") == "only one shop"


async def test_raised_where_nobody_was_paged_names_the_telephone(talk: Any) -> None:
    await talk.declare("sev3 checkout is slow service=checkout")
    reply = await talk("Ben", "incident sev critical")
    assert "nobody was paged" in reply.text and "+1-555-0199" in reply.text


async def test_the_same_again_changes_nothing(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident sev SEV-1")
    assert not reply.ok and "already" in reply.text


async def test_a_wrong_one_is_answered_with_a_line_of_this_command(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "incident sev sev9")
    assert "no severity *sev9*" in reply.text and "/incident sev sev2" in reply.text
