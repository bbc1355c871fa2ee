"""/incident help"""

from __future__ import annotations

from typing import Any

from commands.command import load_commands


async def test_one_screen_with_every_typed_command(talk: Any) -> None:
    reply = await talk("Eve", "incident help")
    assert "`/incident declare sev1 checkout is down`" in reply.text and "`timeline`" in reply.text
    typed = [words for words, cls in load_commands().items() if words.startswith("incident ") and cls.group]
    assert all(f"`/{words}" in reply.text or f"`{words.split()[1]}`" in reply.text for words in typed)
    assert len(reply.text) < 2900 and "`send`" not in reply.text


async def test_one_command_says_all_it_takes(talk: Any) -> None:
    reply = await talk("Eve", "incident help declare")
    assert "`/incident declare &lt;severity&gt; &lt;title…&gt; [service=…]" in reply.text
    assert "`/incident declare sev1 checkout is down`" in reply.text
    assert "Did you mean `/incident declare`?" in (await talk("Eve", "incident help delcare")).text
