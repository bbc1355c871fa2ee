"""The doctor's look at hosts, mail, Jira and Prometheus: whether each lets us in.

Belongs here: these findings. Does not belong here: the other looks (doctor.py), any repairing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bot.connectors import Connectors
from bot.finding import Finding, ok
from bot.policy_tools import tools_of
from bot.settings import Settings
from playbooks.connectors.hosts import HostReads
from playbooks.connectors.jira import JiraReads
from playbooks.connectors.mail import Mail
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.errors import MusterError, NotConfigured
from playbooks.policy import Policy

WITHIN_S = 15.0


async def look(settings: Settings, connectors: Connectors, policy: Policy) -> list[Finding]:
    """One finding for each host, and one each for mail, Jira and Prometheus."""
    mine = tools_of(settings, policy)
    hosts, mail = mine.get(HostReads), mine.get(Mail)
    jira, prometheus = connectors.tools.get(JiraReads), connectors.tools.get(PrometheusReads)
    looks: list[Awaitable[Finding]] = [
        _one("Mail", "SMTP_URL is not set", mail.reach if mail else None),
        _one("Jira", "JIRA_URL, JIRA_TOKEN and JIRA_PROJECT are not set", jira.reach if jira else None),
        _one("Prometheus", "PROMETHEUS_URL is not set", (lambda: _measured(prometheus)) if prometheus else None),
    ]
    if hosts is None:
        looks.append(_one("Hosts", "the policy names none", None))
    else:
        looks += [_one(f"Host {name}", "", lambda name=name: _reached(hosts, name)) for name in policy.hosts]  # type: ignore[misc]
    try:
        return list(await asyncio.gather(*looks))
    finally:
        await asyncio.gather(*(tool.close() for tool in mine.values() if hasattr(tool, "close")))


async def _one(what: str, missing: str, reach: Callable[[], Awaitable[str]] | None) -> Finding:
    if reach is None:
        return Finding(what, "missing", f"{missing}; its steps are skipped, visibly")
    try:
        async with asyncio.timeout(WITHIN_S):
            return ok(what, await reach())
    except NotConfigured as error:
        return Finding(what, "missing", f"{missing or error}; its steps are skipped, visibly")
    except MusterError as error:
        return Finding(what, "broken", str(error))
    except TimeoutError:
        return Finding(what, "broken", f"no answer within {WITHIN_S:.0f} s")


async def _reached(hosts: HostReads, name: str) -> str:
    await hosts.reach(name)
    return "lets us in"


async def _measured(prometheus: PrometheusReads) -> str:
    up = await prometheus.now("count(up)")
    count = f"{up[0].values[0][1]:g}" if up and up[0].values else "no"
    return f"answers at {datetime.now(UTC):%H:%M} UTC, {count} targets"
