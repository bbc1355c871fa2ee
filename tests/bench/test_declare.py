"""How fast a declare reaches the outside, in round trips; and thirty at once while every outside call takes 2 s.

The stand-ins run in a process of their own, so that the figures are Muster's. Baseline of the first: the latency of one
outside call in the same run. All times are of this machine's one clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.app import App, build
from bot.sandbox import SandboxClient
from bot.settings import Settings
from storage import verify
from storage.tables import incidents, runs

pytestmark = pytest.mark.bench
POLICY = Path(__file__).parents[2] / "muster.example.yaml"
SERVICES = ("slack", "pagerduty", "statuspage", "aws", "http")
TRIP_S = 0.1


@pytest.fixture
async def outside() -> AsyncIterator[dict[str, str]]:
    """A sandbox in another process; its environment."""
    command = [sys.executable, "-m", "bot.sandbox", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    yield json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    process.terminate()
    await process.wait()


async def started(env: dict[str, str], url: str, sb: SandboxClient) -> App:
    """Muster in this process, connected, warm."""
    os.environ.update({name: env[name] for name in ("CHECKOUT_DSN", "CHECKOUT_HEALTH_URL")})
    app = build(Settings.of(env, database_url=url, muster_config=POLICY, muster_port=0, muster_replica="bench"))
    await app.start()
    async with asyncio.timeout(20):
        while app.socket is None or not app.socket.connected:
            await asyncio.sleep(0.02)
    await sb.deliver_to("socket", pagerduty_url=f"{app.url}/webhooks/pagerduty")
    await sb.wait_until(lambda: _quiet(sb), timeout=20)
    return app


async def _quiet(sb: SandboxClient) -> bool:
    """Muster has asked what it asks at start-up."""
    before = len(await sb.calls())
    await asyncio.sleep(0.5)
    return before == len(await sb.calls())


async def test_one_declare_in_round_trips(outside: dict[str, str], url: str, capsys: Any) -> None:
    """Baseline: the same declare with nothing slow outside. What slowness outside adds is the length of the chain of
    calls that wait for each other, on any machine; with our own work it makes the whole. The best of some takes counts.
    """
    async with SandboxClient(outside["SANDBOX_URL"]) as sb:
        app = await started(outside, url, sb)
        try:
            await sb.rate(0)
            own = await _best(sb, "warming up")
            for service in SERVICES:
                await sb.latency(service, TRIP_S)
            slow = await _best(sb, "checkout is down")
        finally:
            await app.stop()
    page, channel, effects, whole = (after - before for before, after in zip(own, slow, strict=True))
    with capsys.disabled():
        print(
            f"\n{_name(url)}: page on the wire after {slow[0]:.2f} round trips, channel {slow[1]:.2f}, every effect "
            f"{slow[2]:.2f}, with the board posted and pinned {slow[3]:.2f} (goals 1.5, 1.5, 4; calls in a row before them "
            f"{page:.2f}, {channel:.2f}, {effects:.2f}, {whole:.2f}; our own work {own[3] * TRIP_S * 1000:.0f} ms; best of "
            f"{TAKES}, one trip is {TRIP_S * 1000:.0f} ms)"
        )
    assert page < 0.5, "an outside call stands before the page"
    assert channel < 0.5, "an outside call stands before the channel"
    assert effects < 2.5, "more than two calls wait for each other"
    assert whole < 3.5, "more than three calls wait for each other"
    assert slow[0] < 1.5
    assert slow[1] < 1.5
    assert slow[2] < 4
    assert slow[3] < 4 + max(0.0, own[3] - 0.5), "our own work on a slow machine is the only excuse"


async def _best(sb: SandboxClient, what: str) -> tuple[float, ...]:
    takes = [await _declare(sb, f"sev1 {what} {n}") for n in range(TAKES)]
    return tuple(min(take[n] for take in takes) for n in range(4))


async def _declare(sb: SandboxClient, what: str) -> tuple[float, ...]:
    """One declare, in round trips: when page and channel were asked for, when every effect of the playbook had been
    answered, and when the cards had been too."""
    seen = len(await sb.calls())
    typed = time.time()
    await sb.type("U0ANA", "#general", f"/incident declare {what} service=checkout")
    await sb.wait_until(lambda: _pinned(sb, seen), timeout=30)
    await sb.wait_until(lambda: _quiet(sb), timeout=30)
    calls = (await sb.calls())[seen:]
    effects = max(_end(call) for call in calls if call["method"] in EFFECTS)
    whole = max(_end(call) for call in calls if call["method"] in (*EFFECTS, *CARDS))
    at = (
        _first(calls, "pagerduty", "POST /v2/enqueue"),
        _first(calls, "slack", "conversations.create"),
        effects,
        whole,
    )
    return tuple((moment - typed) / TRIP_S for moment in at)


def _end(call: dict[str, Any]) -> float:
    return float(call["at"] + (call["took_ms"] or 0) / 1000)


async def _pinned(sb: SandboxClient, seen: int) -> bool:
    """The board stands in the channel: the last thing a declare does."""
    return any(call["method"] == "pins.add" for call in (await sb.calls())[seen:])


TAKES = 4
EFFECTS = (
    "POST /v2/enqueue", "GET /incidents", "conversations.create", "conversations.invite", "conversations.setTopic",
)  # fmt: skip
CARDS = ("chat.postMessage", "pins.add")


async def test_thirty_declares_while_everything_outside_takes_two_seconds(
    outside: dict[str, str], url: str, capsys: Any
) -> None:
    """Acknowledged within a twentieth of one outside call, none lost. A take other work disturbed is taken again."""
    takes: list[list[float]] = []
    async with SandboxClient(outside["SANDBOX_URL"], timeout=120) as sb:
        app = await started(outside, url, sb)
        try:
            await sb.rate(20)  # a minute of Slack's limits is three seconds here
            for service in SERVICES:
                await sb.latency(service, SLOW_S)
            while not takes or (_p95(takes[-1]) >= SLOW_S / 20 and len(takes) < 3):
                takes.append(await _thirty(sb, len(takes)))
                async with asyncio.timeout(100):
                    while not await app.db.read(lambda tx: _all_settled(tx, 30 * len(takes))):
                        await asyncio.sleep(0.2)
            channels = [one for one in await sb.channels() if one["name"].startswith("inc-")]
            assert all(verdict.ok for verdict in await app.db.read(verify.check_database))
        finally:
            await app.stop()
    best = min(takes, key=_p95)
    with capsys.disabled():
        print(
            f"\n{_name(url)}: 30 declares at once, ack p50 {statistics.median(best) * 1000:.0f} ms, "
            f"p95 {_p95(best) * 1000:.0f} ms (take {len(takes)})"
        )
    assert _p95(best) < SLOW_S / 20
    assert len(channels) == 30 * len(takes)


SLOW_S = 2.0


async def _thirty(sb: SandboxClient, take: int) -> list[float]:
    lines = [("U0ANA", "#general", f"/incident declare sev1 outage number {take}.{n}") for n in range(30)]
    acks = await sb.type_many(lines)
    assert all(ack.acked for ack in acks)
    return sorted(ack.latency_ms / 1000 for ack in acks)


def _p95(latencies: list[float]) -> float:
    return latencies[int(len(latencies) * 0.95)]


def _all_settled(tx: Any, wanted: int) -> bool:
    states = [row.state for row in tx.conn.execute(runs.select())]
    count = len(tx.conn.execute(incidents.select()).all())
    return count == wanted <= len(states) and all(state in ("succeeded", "incomplete") for state in states)


def _first(calls: list[dict[str, Any]], service: str, method: str) -> float:
    return float(next(call["at"] for call in calls if (call["service"], call["method"]) == (service, method)))


def _name(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"
