"""The doctor names what is wrong and what to do, and is content when nothing is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.doctor import Finding, _step_up, examine
from bot.manifest import EVENTS, SCOPES, as_yaml, manifest
from bot.sandbox.client import SandboxClient
from bot.settings import Settings
from playbooks.policy import load_policy
from storage.sealing import new_key
from tests.bot.conftest import EXAMPLE


def by_name(findings: list[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.what, []).append(finding)
    return found


async def settings(start: Any) -> Settings:
    """Of a Muster that was started once, so that its database is there."""
    app = await start()
    found: Settings = app.settings
    return found


async def test_a_healthy_house(start: Any, people: SandboxClient, sandbox: Any) -> None:
    await sandbox.aws.start()
    await people.scopes(add=list(SCOPES))
    found = by_name(await examine(await settings(start)))
    cluster = found["Kubernetes"][0].text
    assert "sandbox answers (v1.33.1)" in cluster and "production/atlantic-api: 3 of 3 pods available" in cluster
    assert not [one for many in found.values() for one in many if one.state == "broken"], found
    assert found["Slack"][0].text.endswith("(T0MUSTER)") and found["Slack scopes"][0].state == "ok"
    assert "orders-db is available" in found["AWS"][0].text and "orders-db-replica is" in found["AWS"][0].text
    assert "orders-db-cold is not there (cold site)" in found["AWS"][0].text
    assert "Ben, Chi" in found["Quorum of checkout"][0].text
    assert "checkout" in found["Objectives"][0].text and "`muster doctor objectives`" in found["Objectives"][0].text


async def test_a_missing_scope_is_broken_and_named(start: Any, people: SandboxClient) -> None:
    await people.scopes(remove=["channels:manage"])
    found = by_name(await examine(await settings(start)))
    (lacking,) = [one for one in found["Slack scope"] if "channels:manage" in one.text]
    assert lacking.state == "broken" and "install the app again" in lacking.text


async def test_a_database_that_must_be_there_and_is_not(
    start: Any, people: SandboxClient, sandbox: Any, tmp_path: Path
) -> None:
    await sandbox.aws.start()
    config = await settings(start)
    text = config.muster_config.read_text().replace("instance: orders-db-replica", "instance: orders-db-none")
    other = tmp_path / "other.yaml"
    other.write_text(text)
    found = by_name(await examine(config.model_copy(update={"muster_config": other})))
    assert found["AWS"][0].state == "broken" and "no instance orders-db-none in eu-west-1" in found["AWS"][0].text


async def test_a_refused_token_and_a_silent_service(start: Any, people: SandboxClient) -> None:
    ready = await settings(start)
    await asyncio.sleep(0.5)
    await people.fail("slack", "auth.test", "error:invalid_auth", times=-1)
    await people.fail("statuspage", "*", "500", times=-1)
    found = by_name(await examine(ready))
    assert found["Slack"][0].state == "broken" and "invalid_auth" in found["Slack"][0].text
    assert found["Statuspage"][0].state == "broken"


async def test_what_is_not_configured_is_no_fault(start: Any, people: SandboxClient) -> None:
    ready = await settings(start)
    none = {"statuspage_api_key": None, "aws_endpoint_url": None, "aws_default_region": None, "kubeconfig": None}
    found = by_name(await examine(ready.model_copy(update=none)))
    assert {found[what][0].state for what in ("Statuspage", "AWS", "Kubernetes")} == {"missing"}


async def test_a_quorum_nobody_could_give_is_a_warning(start: Any, people: SandboxClient) -> None:
    await people.group("sre", remove=["U0CHI"])
    found = by_name(await examine(await settings(start)))
    assert found["Quorum of checkout"][0].state == "warning"


def test_without_a_key_codes_that_policy_asks_for_are_a_fault() -> None:
    policy = load_policy(EXAMPLE)
    asks = policy.model_copy(update={"approvals": policy.approvals.model_copy(update={"mfa": "required"})})
    none, some = Settings(muster_key=None), Settings(muster_key=SecretStr(new_key()))
    states = [_step_up(*one).state for one in ((none, policy), (none, asks), (some, asks))]
    assert states == ["missing", "broken", "ok"]
    assert "muster key" in _step_up(none, asks).text


def test_the_manifest_fits_slack() -> None:
    socket, http = manifest(None), manifest("https://muster.example.com")
    assert socket["settings"]["socket_mode_enabled"] and not http["settings"]["socket_mode_enabled"]
    assert http["settings"]["event_subscriptions"]["request_url"] == "https://muster.example.com/slack/events"
    assert len(socket["display_information"]["description"]) <= 140
    for command in http["features"]["slash_commands"]:
        assert command["should_escape"] and command["url"].endswith("/slack/events")
        assert 2 <= len(command["command"]) <= 32 and len(command["usage_hint"]) <= 1000
    for shortcut in socket["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24 and len(shortcut["description"]) <= 150
    assert set(socket["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert set(socket["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)
    assert "socket_mode_enabled: true" in as_yaml(socket)
    assert "redirect_urls" not in manifest(None, "http://127.0.0.1:8080")["oauth_config"], "Slack wants https"
    pages = manifest(None, "https://muster.example.com")["oauth_config"]
    assert pages["redirect_urls"] == ["https://muster.example.com/sign-in/back"] and "user" not in pages["scopes"]
