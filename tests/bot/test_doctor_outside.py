"""The doctor's look at hosts, mail, Jira and Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import doctor_outside
from bot.connectors import connect
from bot.finding import Finding
from bot.sandbox.aws_ssm import INSTANCES
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from playbooks.policy import load_policy, parse_policy

EXAMPLE = Path(__file__).resolve().parents[2] / "muster.example.yaml"


async def test_each_is_asked_and_what_is_not_configured_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Sandbox(rate_factor=0) as sandbox:
        env = sandbox.env()
        for name, value in env.items():
            if "_HOST_" in name:
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("DR_HOST_KEY", "nonsense")
        await sandbox.hosts.change({"name": "staging", "impostor": True})
        settings = Settings.of(env, jira_project="NOPE")
        found = await _look(settings, load_policy(EXAMPLE))
        said = {one.what: (one.state, one.text) for one in found}
        assert said["Mail"][0] == said["Prometheus"][0] == said["Host production"][0] == "ok"
        assert said["Jira"][0] == "broken" and "JIRA_PROJECT" in said["Jira"][1]
        assert said["Host dr"][0] == "broken" and "no private key" in said["Host dr"][1]
        assert said["Host staging"][0] == "broken" and "another host key" in said["Host staging"][1]
        policy = load_policy(EXAMPLE)
        named = {name: policy.hosts["production"].model_copy(update={"name": name, "via": "ssm", "instance": id})
                 for id, name in (*INSTANCES.items(), ("i-0unknown", "stranger"))}  # fmt: skip
        await sandbox.hosts.change({"name": "dr", "unreachable": True})
        policy = policy.model_copy(update={"hosts": named})
        by_agent = {one.what: one for one in await _look(settings, policy)}
        assert by_agent["Host production"].state == "ok"
        assert "agent of i-0555000000000002 is ConnectionLost" in by_agent["Host dr"].text
        assert "AmazonSSMManagedInstanceCore" in by_agent["Host stranger"].text
        nowhere = {one.what: one for one in await _look(
            settings.model_copy(update={"aws_default_region": None, "aws_endpoint_url": None}), policy)}  # fmt: skip
        assert nowhere["Host dr"].state == "missing" and "Set AWS_DEFAULT_REGION" in nowhere["Host dr"].text
        settings = Settings.of(env, jira_url=None, smtp_url=None, prometheus_url=None)
        bare = await _look(settings, parse_policy("severities: {sev1: {title: a}}"))
    assert {one.what: one.state for one in bare if one.what != "Prometheus"} == dict.fromkeys(
        ("Mail", "Jira", "Hosts"), "missing"
    )
    assert next(one for one in bare if one.what == "Prometheus").state == "missing"


async def _look(settings: Settings, policy: object) -> list[Finding]:
    connectors = connect(settings)
    try:
        return await doctor_outside.look(settings, connectors, policy)  # type: ignore[arg-type]
    finally:
        await connectors.close()
