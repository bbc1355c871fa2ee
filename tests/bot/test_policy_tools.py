"""Tools made from the policy, and which secrets are masked."""

from __future__ import annotations

from pathlib import Path

from bot.policy_tools import secrets_in, tools_of
from bot.settings import Settings
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.http import Http
from playbooks.connectors.mail import Mail, MailReads
from playbooks.policy import load_policy, parse_policy

EXAMPLE = Path(__file__).resolve().parents[2] / "muster.example.yaml"


def test_what_is_configured_is_there_and_nothing_else() -> None:
    policy = load_policy(EXAMPLE)
    settings = Settings(smtp_url="smtp://u:p@127.0.0.1:25")
    tools = tools_of(settings, policy)
    assert {HostReads, Hosts, Http, MailReads, Mail} <= set(tools)
    assert type(tools[HostReads]) is HostReads and type(tools[MailReads]) is MailReads
    assert tools[HostReads].may_drill("staging") and tools[Http].webhook("service_discovery").keyed
    bare = tools_of(Settings(smtp_url=None), parse_policy("severities: {sev1: {title: a}}"))
    assert Http in bare and not {HostReads, Hosts, MailReads, Mail} & set(bare)
    addresses = {ref.address for ref in secrets_in(policy)}
    assert {"env://CHECKOUT_DSN", "env://PRODUCTION_HOST_KEY", "env://SERVICE_DISCOVERY_AUTH"} <= addresses
