"""Health and metrics."""

from __future__ import annotations

import asyncio

from bot.app import App
from bot.sandbox.client import SandboxClient


async def get(bot: App, people: SandboxClient, path: str) -> tuple[int, str]:
    answer = await people.http.get(f"{bot.url}{path}")
    return answer.status_code, answer.text


async def test_alive_and_ready_until_it_stops(bot: App, people: SandboxClient) -> None:
    assert await get(bot, people, "/livez") == (200, "ok")
    assert await get(bot, people, "/readyz") == (200, "ok")
    bot.health.stopping = True
    assert await get(bot, people, "/readyz") == (503, "stopping")


async def test_not_ready_while_the_database_is_gone(bot: App, people: SandboxClient) -> None:
    await bot.worker.stop()
    bot.health._why_not = lambda: "Socket Mode is not connected"
    assert (await get(bot, people, "/readyz"))[0] == 503


async def test_metrics_count_what_happened(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident help")
    await people.wait_for("incidents", "/incident declare", as_user="U0ANA")
    async with asyncio.timeout(40):  # what was said is seen a moment before it is counted
        while "muster_replies_sent_total{" not in (await get(bot, people, "/metrics"))[1]:
            await asyncio.sleep(0.05)
    status, text = await get(bot, people, "/metrics")
    assert status == 200
    for line in (
        'muster_asks_received_total{kind="command"} 1.0', 'muster_asks{kind="command",state="done"} 1.0',
        'muster_replies_sent_total{route="response_url"} 1.0', "muster_ack_seconds_count", "muster_loop_lag_seconds",
        "muster_cards_lag_seconds", "muster_runs", "muster_steps",
    ):  # fmt: skip
        assert line in text
    assert "U0ANA" not in text and "incident help" not in text
