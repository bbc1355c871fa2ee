"""/playbook help"""

from __future__ import annotations

from typing import Any

from commands.command import load_commands


async def test_one_screen_with_every_typed_command(talk: Any) -> None:
    reply = await talk("Eve", "playbook help")
    typed = [words for words, cls in load_commands().items() if words.startswith("playbook ") and cls.group]
    assert all(f"`/{words}" in reply.text or f"`{words.split()[1]}`" in reply.text for words in typed)
    assert len(reply.text) < 2900


async def test_one_command_says_all_it_takes(talk: Any) -> None:
    reply = await talk("Eve", "playbook help run")
    assert "`/playbook run [incident=…] &lt;playbook&gt; [name=value …]`" in reply.text
    assert "`/playbook run failover/rds-multi-az service=checkout`" in reply.text
    assert "Did you mean `/playbook run`?" in (await talk("Eve", "playbook help rnu")).text
