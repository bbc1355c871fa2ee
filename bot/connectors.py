"""Settings -> the connectors there are, and the tools actions are handed. Optional ones are left out, not faked.

Belongs here: which variable goes to which connector. Does not belong here: the rest of the wiring (app.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from bot.settings import Settings, reveal
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.files import FileReads, Files
from playbooks.connectors.http import HttpReads
from playbooks.connectors.jira import Jira, JiraReads
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.connectors.redis import Redis, RedisReads
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.connectors.statuspage import Statuspage, StatuspageReads


@dataclass
class Connectors:
    """tools: type -> instance for everything configured, reading and acting apart. The named ones may be None."""

    tools: dict[type, Any] = field(default_factory=dict)
    slack: Slack | None = None
    slack_reads: SlackReads | None = None
    pagerduty_reads: PagerDutyReads | None = None
    statuspage_reads: StatuspageReads | None = None
    aws_reads: AwsReads | None = None
    kubernetes_reads: KubernetesReads | None = None

    def name_files(self, paths: Collection[str]) -> None:
        """The files that steps may append to: those the policy names."""
        self.tools |= {FileReads: FileReads(paths), Files: Files(paths)}

    async def close(self) -> None:
        """Let go of every connection."""
        closing = [tool.close() for tool in self.tools.values() if hasattr(tool, "close")]
        await asyncio.gather(*closing, return_exceptions=True)


def connect(settings: Settings) -> Connectors:
    """Build what is configured. Makes no call."""
    silence = settings.muster_read_timeout
    found = Connectors(tools={DnsReads: DnsReads(timeout=silence), HttpReads: HttpReads(read_timeout=silence)})
    _databases(settings, found)
    _slack(settings, found)
    _pagerduty(settings, found)
    _statuspage(settings, found)
    _jira(settings, found)
    _prometheus(settings, found)
    _aws(settings, found)
    _kubernetes(settings, found)
    return found


def _databases(settings: Settings, found: Connectors) -> None:
    """Always there: whose database it is, each step says by its own reference."""
    silence, programs = settings.muster_read_timeout, str(settings.muster_pg_bin or "")
    given: dict[str, Any] = {"statement_timeout": silence, "dumps": settings.muster_dumps, "programs": programs}
    found.tools |= {PostgresReads: PostgresReads(**given), Postgres: Postgres(**given)}
    found.tools |= {RedisReads: RedisReads(read_timeout=silence), Redis: Redis(read_timeout=silence)}


def _slack(settings: Settings, found: Connectors) -> None:
    if token := reveal(settings.slack_bot_token):
        given: dict[str, Any] = {"base_url": settings.slack_api_url, "read_timeout": settings.muster_read_timeout}
        found.slack_reads, found.slack = SlackReads(token, **given), Slack(token, **given)
        found.tools |= {SlackReads: found.slack_reads, Slack: found.slack}


def _pagerduty(settings: Settings, found: Connectors) -> None:
    key, routing = reveal(settings.pagerduty_api_key), reveal(settings.pagerduty_routing_key)
    if not (key or routing):
        return
    given: dict[str, Any] = {
        "from_email": settings.pagerduty_from or "", "routing_key": routing,
        "service_id": settings.pagerduty_service_id or "",
        "api_url": settings.pagerduty_api_url, "events_url": settings.pagerduty_events_url,
        "read_timeout": settings.muster_read_timeout,
    }  # fmt: skip
    found.pagerduty_reads = PagerDutyReads(key, **given)
    found.tools |= {PagerDutyReads: found.pagerduty_reads, PagerDuty: PagerDuty(key, **given)}


def _statuspage(settings: Settings, found: Connectors) -> None:
    key, page = reveal(settings.statuspage_api_key), settings.statuspage_page_id
    if key and page:
        given: dict[str, Any] = {"api_url": settings.statuspage_api_url, "read_timeout": settings.muster_read_timeout}
        found.statuspage_reads = StatuspageReads(key, page, **given)
        found.tools |= {StatuspageReads: found.statuspage_reads, Statuspage: Statuspage(key, page, **given)}


def _jira(settings: Settings, found: Connectors) -> None:
    token, project = reveal(settings.jira_token), settings.jira_project
    if settings.jira_url and token and project:
        given = (settings.jira_url, token, project)
        silence = settings.muster_read_timeout
        found.tools |= {JiraReads: JiraReads(*given, read_timeout=silence), Jira: Jira(*given, read_timeout=silence)}


def _prometheus(settings: Settings, found: Connectors) -> None:
    """Always there: a site of the policy may name its own."""
    url, token = settings.prometheus_url or "", reveal(settings.prometheus_token)
    found.tools[PrometheusReads] = PrometheusReads(url, token, read_timeout=settings.muster_read_timeout)


def _aws(settings: Settings, found: Connectors) -> None:
    if given := aws_settings(settings):
        found.aws_reads = AwsReads(**given)
        found.tools |= {AwsReads: found.aws_reads, Aws: Aws(**given)}


def aws_settings(settings: Settings) -> dict[str, Any]:
    """What a client of AWS is made with; empty where AWS is not configured."""
    if not (settings.aws_default_region or settings.aws_endpoint_url):
        return {}
    return {
        "region": settings.aws_default_region or "", "endpoint_url": settings.aws_endpoint_url or "",
        "access_key_id": reveal(settings.aws_access_key_id),
        "secret_access_key": reveal(settings.aws_secret_access_key), "read_timeout": settings.muster_read_timeout,
    }  # fmt: skip


def _kubernetes(settings: Settings, found: Connectors) -> None:
    """KUBECONFIG alone decides, never a file in somebody's home folder; in a pod, the pod's own account."""
    if settings.kubeconfig or settings.kubernetes_service_host:
        given: dict[str, Any] = {"kubeconfig": settings.kubeconfig or "", "read_timeout": settings.muster_read_timeout}
        found.kubernetes_reads = KubernetesReads(**given)
        found.tools |= {KubernetesReads: found.kubernetes_reads, Kubernetes: Kubernetes(**given)}
