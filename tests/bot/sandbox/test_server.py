"""The local workspace as one process: addresses, start, stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time

import psycopg
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox, SandboxClient

NAMES = (
    "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL", "PAGERDUTY_API_KEY",
    "PAGERDUTY_ROUTING_KEY", "PAGERDUTY_FROM", "PAGERDUTY_SERVICE_ID", "PAGERDUTY_API_URL", "PAGERDUTY_EVENTS_URL",
    "PAGERDUTY_WEBHOOK_SECRET", "ALERTMANAGER_WEBHOOK_TOKEN", "WEBHOOK_SECRETS", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET",
    "STATUSPAGE_API_KEY", "STATUSPAGE_PAGE_ID", "STATUSPAGE_API_URL", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "SANDBOX_URL", "CHECKOUT_DSN", "CHECKOUT_REDIS_URL", "CHECKOUT_HEALTH_URL",
    "CHECKOUT_SECONDARY_DSN", "CHECKOUT_SECONDARY_HEALTH_URL", "KUBECONFIG",
    "CHECKOUT_CANARY_URL", "CHECKOUT_STAGING_CANARY_URL", "STAGING_DISCOVERY_AUTH", "STAGING_DISCOVERY_URL",
    "CHECKOUT_RESOLVER", "DR_HOST_ADDRESS", "DR_HOST_KEY", "DR_HOST_PUBLIC_KEY",
    "JIRA_PROJECT", "JIRA_TOKEN", "JIRA_URL", "PRODUCTION_HOST_ADDRESS", "PRODUCTION_HOST_KEY",
    "PRODUCTION_HOST_PUBLIC_KEY", "PROMETHEUS_URL", "SERVICE_DISCOVERY_AUTH", "SERVICE_DISCOVERY_URL", "SMTP_URL",
    "STAGING_AWAY_URL", "STAGING_HOST_ADDRESS", "STAGING_HOST_KEY", "STAGING_HOST_PUBLIC_KEY", "STAGING_RESOLVER",
    "STAGING_URL", "STOREFRONT_HEALTH_URL",
    "STOREFRONT_RESOLVER", "STOREFRONT_SECONDARY_HEALTH_URL", "WEBHOOK_REPLAY_URL",
)  # fmt: skip


async def test_the_environment_is_whole_and_local(sandbox: Sandbox) -> None:
    env = sandbox.env()
    assert set(env) == set(NAMES)
    assert env["SLACK_API_URL"].endswith("/api/")
    assert all("127.0.0.1" in v for k, v in env.items() if k.endswith(("URL", "DSN")))
    assert set(sandbox.env(socket_mode=False)) == set(NAMES) - {"SLACK_APP_TOKEN"}


async def test_a_reset_forgets_everything_and_keeps_the_address(
    sandbox: Sandbox, sb: SandboxClient, web: AsyncWebClient
) -> None:
    await web.chat_postMessage(channel="C0INCIDENTS", text="x")
    await sb.post("pagerduty/trigger", title="t")
    await sb.fail("slack", "*", "500", times=-1)
    await sb.reset()
    assert await sb.messages("#incidents") == []
    assert (await sb.pagerduty())["incidents"] == []
    assert await sb.calls() == []
    assert (await web.chat_postMessage(channel="C0INCIDENTS", text="y"))["ok"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_its_own_process_says_when_it_is_ready_and_stops_on_a_signal(stop: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.sandbox", stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    assert process.stdout is not None
    env = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    async with SandboxClient(env["SANDBOX_URL"]) as sb:
        assert (await sb.env()) == env
        assert {one["id"] for one in await sb.instances()} == {"orders-db"}
    took = []
    for _ in range(2):
        begun = time.monotonic()
        with await asyncio.to_thread(psycopg.connect, env["CHECKOUT_DSN"]) as line:
            assert line.execute("SELECT count(*) FROM orders").fetchone()
        took.append(time.monotonic() - begun)
    assert took[0] < 1.0 + 10 * took[1], "its PostgreSQL was running before it said that it is ready"
    process.send_signal(stop)
    assert await asyncio.wait_for(process.wait(), 40) == 0
