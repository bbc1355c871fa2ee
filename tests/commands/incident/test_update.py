"""/incident update"""

from __future__ import annotations

from typing import Any

from storage import runs


async def test_nothing_is_sent_before_send(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ana", "incident update Checkout is back; we <b> watch. status=monitoring")
    assert "not sent yet" in reply.text and "> Checkout is back; we <b> watch." not in reply.text
    assert "&lt;b&gt;" in reply.text and "nothing is published there" in reply.text
    assert [button.label for button in reply.buttons] == ["Send"]
    assert await talk.events(id, "incident.update") == []


async def test_after_the_end_there_is_nothing_to_tell(talk: Any) -> None:
    await talk.declare()
    await talk("Ana", "incident resolve done")
    assert "was resolved" in (await talk("Ana", "incident update x")).text


async def test_the_words_of_the_form_are_sent(talk: Any) -> None:
    id = await talk.declare()
    preview = await talk("Ana", "incident update", kind="form", values={"text": "two\nlines & more"})
    sent = await talk("Ana", preview.buttons[0].line, kind="button")
    assert sent.ok and (await talk.incident(id)).latest_update == "two\nlines & more"
    run = await talk.read(lambda tx: runs.of_incident(tx, id)[-1])
    assert run.playbook == "comms/update" and run.inputs["text"] == "two\nlines & more"
