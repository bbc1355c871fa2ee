"""Over signed HTTP: what Slack did not sign, signed long ago, or sends again is no vote."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bot.app import App, build
from bot.sandbox.slack.delivery import signature
from bot.settings import Settings
from tests.conversations.conftest import POLICY
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, RUN, Box


@pytest.fixture
async def web(town: Any) -> AsyncIterator[App]:
    """A replica that Slack reaches by signed HTTP."""
    env = town.sandbox.env(socket_mode=False)
    for name, value in env.items():
        town.monkeypatch.setenv(name, value)
    app = build(Settings.of(env, database_url=town.url, muster_config=POLICY, muster_port=0, muster_replica="web"))
    await app.start()
    town.apps.append(app)
    await town.sb.deliver_to("http", f"{app.url}/slack/events", pagerduty_url=f"{app.url}/webhooks/pagerduty")
    yield app


async def _refused(app: App, why: str) -> float:
    """How many requests were turned away for this reason, as /metrics says it."""
    async with httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"{app.url}/metrics")).text.splitlines()
    wanted = f'muster_requests_refused_total{{door="slack",why="{why}"}}'
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


async def _post(app: App, body: bytes, stamp: str, signed: str) -> int:
    """Send an interaction as somebody else than Slack would."""
    headers = {
        "Content-Type": b"application/x-www-form-urlencoded", "X-Slack-Request-Timestamp": stamp.encode(),
        "X-Slack-Signature": signed.encode(),
    }  # fmt: skip
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.post(f"{app.url}/slack/events", content=body, headers=headers)).status_code


async def test_a_signed_press_counts_and_its_replay_does_not(town: Any, web: App) -> None:
    box = await Box.asked(town)
    await box.press(BEN, "1 of 2")
    pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
    again = await town.sb.redeliver(pressed)
    assert (again.acked, again.status) == (True, 200)
    await box.press(CHI, "it starts now")
    await box.ended()
    await town.sb.redeliver(pressed)
    assert web.metrics.registry.get_sample_value("muster_asks_repeated_total", {"kind": "button"}) == 2
    await box.holds((BEN, "approve", True), (CHI, "approve", True), reboots=1)


async def test_a_replay_whose_time_has_passed_is_refused(town: Any, web: App) -> None:
    """Both ways: recorded long ago, or stamped for later. The bytes are right, the signature is right."""
    box = await Box.asked(town)
    await box.press(ANA, "does not count")
    pressed = (await town.sb.deliveries("interactive"))[-1]["id"]
    for shift in (-301.0, -86_400.0, 310.0, 86_400.0):
        said = await town.sb.redeliver(
            pressed, mutate={"user.id": BEN, "trigger_id": f"9.9.{shift}"}, timestamp_shift=shift
        )
        assert (said.acked, said.status) == (False, 401)
    assert await _refused(web, "stale") == 4
    await box.state("open")
    await box.holds((ANA, "approve", False))


async def test_what_slack_did_not_sign_is_refused(town: Any, web: App) -> None:
    box = await Box.asked(town)
    await box.press(ANA, "does not count")
    pressed = (await town.sb.deliveries("interactive"))[-1]
    mine = {"user.id": BEN, "trigger_id": "9.9.forged"}
    for forged in ({"secret": "guessed"}, {"signature": "v0=" + "0" * 64}, {"signature": "v1=none"}):
        said = await town.sb.redeliver(pressed["id"], mutate=mine, **forged)
        assert (said.acked, said.status) == (False, 401)
    payload = {**pressed["payload"], "trigger_id": "9.9.bent"}
    genuine, stamp = urlencode({"payload": json.dumps(payload)}).encode(), str(int(time.time()))
    bent = genuine.replace(ANA.encode(), BEN.encode())
    assert genuine != bent
    assert await _post(web, bent, stamp, signature(genuine, stamp)) == 401, "the body was changed"
    assert await _post(web, bent, str(int(stamp) - 1), signature(bent, stamp)) == 401, "the time was changed"
    assert await _post(web, bent, stamp, "") == 401
    assert await _refused(web, "signature") == 6
    odd = ("", "soon", f"{stamp}.5", f"-{stamp}", f"+{stamp}", "٣٤٥", "9" * 40, "0x10", "1e9", "NaN", "None")
    for one in odd:
        assert await _post(web, bent, one, signature(bent, one)) == 401, one
    assert await _refused(web, "timestamp") == len(odd)
    await box.state("open")
    await box.holds((ANA, "approve", False))


async def test_forged_events_and_commands_change_no_group_and_cast_no_vote(town: Any, web: App) -> None:
    box = await Box.asked(town)
    typed = (await town.sb.deliveries("slash_commands"))[-1]["id"]
    vote = {"user_id": BEN, "command": "/playbook", "text": f"approve {RUN}", "trigger_id": "9.9.typed"}
    said = await town.sb.redeliver(typed, mutate=vote, secret="guessed")
    assert (said.acked, said.status) == (False, 401)
    lines = [asyncio.create_task(town.sb.redeliver(typed, mutate=vote, secret="guessed")) for _ in range(20)]
    assert {one.status for one in await asyncio.gather(*lines)} == {401}
    assert await _refused(web, "signature") == 21
    await box.press(CHI, "1 of 2")
    await box.state("open")
    await box.holds((CHI, "approve", True))
