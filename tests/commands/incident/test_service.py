"""/incident service"""

from __future__ import annotations

from typing import Any

from storage import impact


async def test_services_come_and_go_and_one_is_first(talk: Any) -> None:
    id = await talk.declare()
    reply = await talk("Ana", "incident service add auth")
    assert reply.data["services"] == ["checkout", "auth"] and "RTO 1 h" in reply.text and reply.buttons == ()
    assert (await talk.incident(id)).service == "checkout"
    again = await talk("Ana", "incident service add auth")
    assert not again.ok and "about auth already" in again.text
    assert (await talk("Ana", "incident service remove checkout")).data["services"] == ["auth"]
    assert (await talk.incident(id)).service == "auth"
    assert (await talk("Ana", "incident service remove auth")).text.startswith(f"*{id}* names no service")
    reply = await talk("Ana", "incident service add checkout")
    assert reply.buttons[0].line == f"incident page {id} checkout", "who is on call is called by a person"
    said = await talk.read(lambda tx: impact.of_incident(tx, id))
    assert said.others == () and (await talk.incident(id)).service == "checkout"
    assert [event.body["change"] for event in await talk.events(id, "incident.service")] == [
        "added", "removed", "removed", "added",
    ]  # fmt: skip


async def test_wrong_words(talk: Any) -> None:
    id = await talk.declare()
    assert "Did you mean *auth*?" in (await talk("Ana", "incident service add aut")).text.replace("**", "*")
    assert "not about auth, but about: checkout" in (await talk("Ana", "incident service remove auth")).text
    assert "It can be: add, remove" in (await talk("Ana", "incident service drop auth")).text
    await talk("Ana", "incident resolve done")
    assert "was resolved; nothing was changed" in (await talk("Ana", f"incident service {id} add auth")).text
