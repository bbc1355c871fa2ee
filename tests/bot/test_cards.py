"""Cards: posted once, kept up to date, found again after a lost answer, never in a wrong place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import App
from bot.sandbox.client import SandboxClient
from storage import cards, timeline
from storage.tables import cards as cards_table
from storage.tables import incidents as incidents_table

ROOM = "inc-1-checkout-is-down"


async def declare(people: SandboxClient, more: str = "") -> None:
    await people.type("U0ANA", "incidents", f"/incident declare sev1 checkout is down service=checkout {more}")


async def board(people: SandboxClient, room: str = ROOM) -> Any:
    return await people.wait_for(room, "Take command", timeout=40)


async def boards(people: SandboxClient, room: str = ROOM) -> list[Any]:
    found = [m for m in await people.messages(room) if m.metadata and m.metadata["event_type"] == "muster_card"]
    return [m for m in found if m.metadata["event_payload"]["kind"] == "board"]


async def live(bot: App, kind: str, subject: str) -> Any:
    found = await bot.db.read(lambda tx: cards.get(tx, kind, subject))
    return found if found and found.state == "live" and found.shown == found.wanted else None


async def test_the_board_is_posted_once_pinned_and_told(bot: App, people: SandboxClient) -> None:
    await declare(people)
    seen = await board(people)
    await people.wait_until(lambda: live(bot, "board", "INC-1"))

    async def pinned() -> bool:
        return seen.ts in (await people.channel(ROOM))["pins"]

    await people.wait_until(pinned)
    assert len(await boards(people)) == 1
    told = await bot.db.read(lambda tx: timeline.read(tx, "INC-1", types=("card.told",)))
    assert [event.body["kind"] for event in told].count("board") == 1


async def test_struck_between_posting_and_pinning_it_is_pinned_all_the_same(
    bot: App, people: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck = asyncio.Event()

    async def hang(channel: str, ts: str) -> None:
        struck.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(bot.slack, "pin", hang)
        await declare(people)
        await asyncio.wait_for(struck.wait(), 40)
        await bot.projector._drawing.finish(0.0)  # what a process that ends here leaves behind
    found = await bot.db.read(lambda tx: cards.get(tx, "board", "INC-1"))
    assert found and found.state == "posting"
    bot.projector.wake()

    async def pinned() -> bool:
        return len((await people.channel(ROOM))["pins"]) == 1

    await people.wait_until(pinned, timeout=40)
    await people.wait_until(lambda: live(bot, "board", "INC-1"), timeout=40)
    assert len(await boards(people)) == 1


async def test_an_acknowledgement_shows_on_the_board_in_the_same_message(bot: App, people: SandboxClient) -> None:
    await declare(people)
    first = await board(people)

    async def paged() -> Any:
        return (await people.pagerduty())["incidents"]

    (page,) = await people.wait_until(paged)
    await people.acknowledge(page["incident_key"], "U0BEN")
    changed = await people.wait_for(ROOM, lambda m: "acknowledged by *Ben*" in m.plain, timeout=40)
    assert changed.ts == first.ts and "first to acknowledge, interim" in changed.plain


async def test_a_lost_answer_to_the_first_post_makes_no_second_board(bot: App, people: SandboxClient) -> None:
    await people.fail("slack", "chat.postMessage", "close_after", times=3)
    await declare(people)
    await board(people)
    await people.wait_until(lambda: live(bot, "board", "INC-1"), timeout=30)
    await people.wait_until(lambda: live(bot, "announcement", "INC-1"), timeout=30)
    assert len(await boards(people)) == 1
    announced = [m for m in await people.messages("incidents") if m.metadata]
    assert len(announced) == 1


async def test_a_deleted_card_is_posted_anew(bot: App, people: SandboxClient, sandbox: Any) -> None:
    await declare(people)
    first = await board(people)
    await people.wait_until(lambda: live(bot, "board", "INC-1"))
    channel = sandbox.world.named(ROOM)
    next(m for m in channel.messages if m.ts == first.ts).deleted = True
    await bot.db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))
    await people.type("U0ANA", ROOM, "/incident note something moved")
    await people.type("U0ANA", ROOM, "/incident sev sev2 smaller than thought")
    again = await people.wait_for(ROOM, lambda m: m.ts != first.ts and "Take command" in m.plain, timeout=40)
    assert "sev2" in again.plain


async def test_a_redraw_that_shows_the_same_costs_no_call(bot: App, people: SandboxClient) -> None:
    await declare(people)
    await board(people)
    await people.wait_until(lambda: live(bot, "board", "INC-1"))
    await people.wait_until(lambda: live(bot, "announcement", "INC-1"))
    before = len(await people.calls("slack", "chat.update"))
    for _ in range(3):
        await bot.db.write(lambda tx: cards.want(tx, "announcement", "INC-1", "INC-1"))
        await people.wait_until(lambda: live(bot, "announcement", "INC-1"))
    assert len(await people.calls("slack", "chat.update")) == before


async def test_a_private_incident_is_announced_nowhere_and_never_falls_back(bot: App, people: SandboxClient) -> None:
    await people.fail("slack", "conversations.create", "error:restricted_action", times=-1)
    await declare(people, "type=security")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    await bot.db.write(lambda tx: cards.want(tx, "announcement", "INC-1", "INC-1"))
    await bot.db.write(lambda tx: cards.want(tx, "board", "INC-1", "INC-1"))

    async def refused() -> Any:
        found = await bot.db.read(lambda tx: cards.get(tx, "announcement", "INC-1"))
        return found is not None and found.state == "gone"

    await people.wait_until(refused)
    for room in ("incidents", "general"):
        assert not [m for m in await people.messages(room) if "checkout is down" in m.plain]


async def test_rate_limits_are_waited_out(bot: App, people: SandboxClient) -> None:
    await people.fail("slack", "chat.postMessage", "429", times=2, retry_after=1)
    await declare(people)
    await board(people)
    assert len(await boards(people)) == 1


async def test_a_card_that_cannot_be_drawn_is_put_aside_and_stops_no_other(bot: App, people: SandboxClient) -> None:
    await declare(people)
    await board(people)
    await bot.db.write(lambda tx: tx.conn.execute(cards_table.update().values(posting_key=None)))

    def broken(tx: Any) -> None:
        cards.want(tx, "board", "INC-1", "INC-1")
        tx.conn.execute(incidents_table.update().values(facts=["not", "a", "map"]))

    await bot.db.write(broken)

    async def aside() -> bool:
        found = await bot.db.read(lambda tx: tx.conn.execute(select(cards_table.c.error)).scalars().all())
        return any(error and "a fault in Muster" in error for error in found)

    await people.wait_until(aside)
    assert not bot.projector.duty.ended
    assert (await people.http.get(f"{bot.url}/livez")).status_code == 200
