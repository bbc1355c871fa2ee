"""`http.post_json`: to named addresses only, with our key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.http.post_json import PostJson
from playbooks.connectors.http import Http, HttpReads
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.policy_sends import Webhook
from tests.patience import CONNECT_S, READ_S

STEP = PostJson(webhook="service_discovery", body={"service": "checkout", "region": "eu-west-1"})


@pytest.fixture
async def http(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Http]:
    monkeypatch.setenv("DISCOVERY", env["SERVICE_DISCOVERY_AUTH"])
    hooks = {
        "service_discovery": Webhook(title="d", url=env["SERVICE_DISCOVERY_URL"], auth="env://DISCOVERY", keyed=True),
        "webhook_replay": Webhook(title="r", url=env["WEBHOOK_REPLAY_URL"]),
    }
    one = Http(connect_timeout=CONNECT_S, read_timeout=READ_S, webhooks=hooks)
    yield one
    await one.close()


async def test_it_says_all_of_it_and_posts_once_per_key(world: Any, act: Any, http: Http, sb: SandboxClient) -> None:
    plan = await STEP.plan(world(http))
    assert plan.effect.endswith('/demo/hook/service_discovery): {"region": "eu-west-1", "service": "checkout"}')
    assert plan.targets == ("webhook:service_discovery",)
    done = await STEP.run(act(http))
    assert (done.status, done.answer) == (200, {"ok": True, "taken": 1})
    await STEP.run(act(http))
    (taken,) = await sb.get("hooks")
    assert (taken["key"], taken["body"]) == ("key-1", STEP.body)
    for step, words in [
        (PostJson(webhook="service_discovry"), "did you mean service_discovery"),
        (PostJson(webhook="webhook_replay", body={"password": "hunter22"}), "looks like a secret"),
        (PostJson(webhook="webhook_replay", body={"a": ["env://X"]}), "looks like a secret"),
    ]:
        for call in (step.plan(world(http)), step.run(act(http))):
            with pytest.raises(Refused, match=words):
                await call
    assert len(await sb.get("hooks")) == 1


async def test_lost_refused_throttled(
    world: Any, act: Any, http: Http, sb: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in ("timeout_after", "close_after", "500"):
        await sb.fail("http", "hook service_discovery", mode)
        with pytest.raises(Uncertain):
            await STEP.run(act(http))
    again = await STEP.reconcile(world(http))
    assert again.happened is False and "acts once per key" in again.evidence
    await STEP.run(act(http))
    assert len(await sb.get("hooks")) == 1
    other = PostJson(webhook="webhook_replay", body={"since": "14:00"})
    assert (await other.reconcile(world(http))).happened is None
    await sb.fail("http", "hook webhook_replay", "429")
    with pytest.raises(Temporary):
        await other.run(act(http))
    monkeypatch.setenv("DISCOVERY", "Bearer wrong-and-secret")
    with pytest.raises(Refused, match="refused it: 401") as refused:
        await STEP.run(act(http))
    assert "wrong-and-secret" not in str(refused.value)  # the receiver repeats it
    assert isinstance(http, HttpReads)
