"""Tools that are made from the policy as well as from the settings: hosts, mail, webhooks, the list of services.

Belongs here: which sections and variables go to which connector. Does not belong here: tools that need no policy
(connectors.py), the wiring (app.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from bot.connectors import aws_settings
from bot.settings import Settings, reveal
from playbooks.connectors.hosts import HostReads, Hosts
from playbooks.connectors.http import Http, HttpReads
from playbooks.connectors.mail import Mail, MailReads
from playbooks.connectors.tails import Runner
from playbooks.policy import Policy
from playbooks.ports import Listed, Services
from playbooks.secrets import SecretRef


def tools_of(settings: Settings, policy: Policy) -> dict[type, Any]:
    """type -> instance. Makes no call; SSH's library is loaded when a host is first reached."""
    silence = settings.muster_read_timeout
    found: dict[type, Any] = {
        HttpReads: HttpReads(read_timeout=silence, webhooks=policy.webhooks),
        Http: Http(read_timeout=silence, webhooks=policy.webhooks),
        Services: ServicesOf(policy),
    }
    if policy.hosts:
        drills = [name for name, site in policy.sites.items() if site.drills]
        ways: dict[str, Callable[[], Runner]] = {"ssh": _ssh}
        if settings_of_aws := aws_settings(settings):
            ways["ssm"] = lambda: _ssm(settings_of_aws, policy)
        given: tuple[Any, ...] = (policy.hosts, policy.commands, ways, list(secrets_in(policy)), drills)
        found |= {HostReads: HostReads(*given), Hosts: Hosts(*given)}
    if url := reveal(settings.smtp_url):
        mail = Mail(url, policy.mail_lists, policy.templates, read_timeout=silence)
        found |= {MailReads: MailReads(policy.mail_lists, policy.templates), Mail: mail}
    return found


class ServicesOf(Services):
    """The policy's services."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def at(self, site: str) -> tuple[Listed, ...]:
        """By tier, then by the order of recovery, then by name."""
        there = [one.at(site) for one in self._policy.services.values()]
        there.sort(key=lambda one: (one.tier, one.recovery_order or 99, one.name))
        return tuple(Listed(one.name, one.title or one.name, one.tier, one.health_url) for one in there)


def _ssh() -> Runner:
    from playbooks.connectors.ssh import SshRunner

    return SshRunner()


def _ssm(given: dict[str, Any], policy: Policy) -> Runner:
    from playbooks.connectors.aws_ssm import SsmActs
    from playbooks.connectors.ssm import SsmRunner

    return SsmRunner(SsmActs(**given), {name: site.scope() for name, site in policy.sites.items()})


def secrets_in(value: Any) -> Iterator[SecretRef]:
    """Every secret reference of the policy: their values are masked in what hosts say."""
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from secrets_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from secrets_in(one)
