"""Answers reach the person by the first route that works, at least once; none is lost in silence."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot.app import App
from bot.sandbox.client import SandboxClient
from commands.command import Reply
from storage import replies
from storage.db import Unreachable
from storage.tables import inbox
from storage.tables import replies as rows

OWN = {"account_kind": "slack", "account": "T0MUSTER/U0ANA"}


async def say(bot: App, text: str, ask: str | None = None, channel: str | None = "C0INCIDENTS", **who: Any) -> str:
    body = Reply(text=text).model_dump(mode="json")
    given: dict[str, Any] = {**OWN, **who}
    return await bot.db.write(lambda tx: replies.add(tx, ask=ask, channel=channel, body=body, **given))


async def route_of(bot: App, id: str) -> tuple[str, str | None]:
    found = await bot.db.read(
        lambda tx: tx.conn.execute(select(rows.c.state, rows.c.route).where(rows.c.id == id)).one()
    )
    return found.state, found.route


async def arrived(bot: App, people: SandboxClient, id: str, timeout: float = 10.0) -> tuple[str, str | None]:
    async def done() -> Any:
        found = await route_of(bot, id)
        return found if found[0] != "waiting" else None

    found: tuple[str, str | None] = await people.wait_until(done, timeout)
    return found


async def help_ask(bot: App, people: SandboxClient) -> str:
    """A handled ask whose response_url was used once."""
    await people.type("U0ANA", "incidents", "/incident help")
    await people.wait_for("incidents", "/incident declare", as_user="U0ANA")
    return await bot.db.read(lambda tx: str(tx.conn.execute(select(inbox.c.key)).scalar_one()))


async def test_four_answers_use_the_response_url_the_next_ones_another_way(bot: App, people: SandboxClient) -> None:
    key = await help_ask(bot, people)
    routes = []
    for n in range(5):
        routes.append((await arrived(bot, people, await say(bot, f"line {n}", key)))[1])
    assert routes == ["response_url"] * 3 + ["ephemeral"] * 2
    assert len(await people.calls("slack", "response_url")) == 4


async def test_without_a_channel_it_is_a_direct_message(bot: App, people: SandboxClient) -> None:
    assert await arrived(bot, people, await say(bot, "only you", channel=None)) == ("sent", "direct")
    await people.wait_for("@U0ANA", "only you", as_user="U0ANA")


async def test_where_muster_is_not_in_the_channel_it_is_a_direct_message(bot: App, people: SandboxClient) -> None:
    await people.change_channel("elsewhere", create=True, remove=["U0MUSTER"])
    found = await people.channel("elsewhere", "U0ANA")
    assert await arrived(bot, people, await say(bot, "not here", channel=found["id"])) == ("sent", "direct")


@pytest.mark.parametrize("mode", ["429", "503", "reset"])
async def test_a_route_that_fails_for_now_is_no_loss(bot: App, people: SandboxClient, mode: str) -> None:
    await people.fail("slack", "chat.postEphemeral", mode, times=1, retry_after=1)
    state, route = await arrived(bot, people, await say(bot, "once more"), timeout=40)
    assert state == "sent" and route in ("direct", "ephemeral")


async def test_slack_wholly_down_then_back(bot: App, people: SandboxClient) -> None:
    await people.fail("slack", "*", "429", times=-1, retry_after=1)
    id = await say(bot, "patience")
    await people.wait_until(lambda: people.calls("slack", "chat.postEphemeral"))
    assert (await route_of(bot, id))[0] == "waiting"
    await people.clear_faults("slack")
    assert (await arrived(bot, people, id, timeout=20))[0] == "sent"


async def test_when_every_route_refuses_it_is_lost_and_kept(bot: App, people: SandboxClient) -> None:
    id = await say(bot, "to nobody", account="T0MUSTER/U0NOBODY")
    assert await arrived(bot, people, id) == ("lost", None)


async def test_a_machine_gets_no_answer(bot: App, people: SandboxClient) -> None:
    assert (await arrived(bot, people, await say(bot, "x", account_kind="pagerduty", account="P1")))[0] == "lost"


async def test_text_of_people_calls_nobody(bot: App, people: SandboxClient) -> None:
    await arrived(bot, people, await say(bot, "title <!channel> and **bold**"))
    message = await people.wait_for("incidents", "title", as_user="U0ANA")
    assert "<!channel>" not in message.plain and "*bold*" in message.plain and "**" not in message.plain


async def test_what_was_said_is_not_said_again_because_the_database_was_away(
    bot: App, people: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes away between Slack's yes and our writing it down: written down when it is back."""
    monkeypatch.setattr("bot.replies.WRITTEN_AGAIN_S", 0.05)
    write, cut = bot.db.write, []

    async def cut_off(work: Any, **more: Any) -> Any:
        if work.__qualname__.startswith("Sender._sent") and len(cut) < 2:
            cut.append(1)
            raise Unreachable("away")
        return await write(work, **more)

    monkeypatch.setattr(bot.db, "write", cut_off)
    assert await arrived(bot, people, await say(bot, "once only")) == ("sent", "ephemeral")
    assert len(cut) == 2
    shown = await people.messages("incidents", "U0ANA")
    assert len([m for m in shown if "once only" in m.plain]) == 1
