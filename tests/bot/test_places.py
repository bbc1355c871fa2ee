"""Channel names and their ids: whoever asks first asks for all, and what was posted under a name is found again."""

from __future__ import annotations

import asyncio

import pytest

from bot.app import App
from bot.places import Places
from bot.sandbox.client import SandboxClient
from playbooks.errors import MusterError
from storage import cards


async def test_two_who_ask_at_once_both_get_the_id_and_slack_is_asked_once(bot: App, people: SandboxClient) -> None:
    places, before = Places(bot.slack), len(await people.calls("slack", "users.conversations"))
    one, other = await asyncio.gather(places.id_of("#incidents"), places.id_of("#incidents"))
    assert one == other and one.startswith("C")
    assert len(await people.calls("slack", "users.conversations")) == before + 1
    assert await places.id_of("#nowhere") == "#nowhere", "Slack itself then says why"
    assert len(await people.calls("slack", "users.conversations")) == before + 1, "and is not asked over and over"


async def test_an_answer_that_never_came_is_asked_for_again(bot: App, people: SandboxClient) -> None:
    places = Places(bot.slack)
    await people.fail("slack", "users.conversations", "500", times=-1)
    with pytest.raises(MusterError):
        await places.id_of("#incidents")
    await people.clear_faults("slack")
    assert (await places.id_of("#incidents")).startswith("C")


async def test_a_post_under_a_name_whose_answer_is_lost_is_looked_for_where_it_went(
    bot: App, people: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    by_id = bot.projector._places.id_of

    async def unknown_at_first(channel: str) -> str:
        asked.append(channel)
        return await by_id(channel) if asked.count("#incidents") > 1 else channel

    monkeypatch.setattr(bot.projector._places, "id_of", unknown_at_first)
    await people.fail("slack", "chat.postMessage", "close_after")
    await people.type("U0ANA", "general", "/incident declare sev3 slow search")

    async def standing() -> bool:
        card = await bot.db.read(lambda tx: cards.get(tx, "announcement", "INC-1"))
        return card is not None and card.state == "live"

    await people.wait_until(standing, timeout=20)
    assert asked.count("#incidents") > 1, "its first post was lost"
    assert len([m for m in await people.messages("incidents") if "INC-1" in m.plain]) == 1


async def test_what_was_announced_of_an_incident_that_became_private_is_taken_back(
    bot: App, people: SandboxClient
) -> None:
    await people.type("U0ANA", "general", "/incident declare sev3 the ledger of Mrs Smith")
    said = await people.wait_for("incidents", "Mrs Smith", timeout=20)
    await people.wait_for("inc-1-the-ledger-of-mrs-smith", lambda m: m.button("Resolve") is not None, timeout=20)
    await people.type("U0ANA", "general", "/incident private INC-1 personal data")
    left = await people.wait_for("incidents", lambda m: m.ts == said.ts and "Mrs Smith" not in m.plain, timeout=20)
    assert "INC-1" in left.plain and "private now" in left.plain
