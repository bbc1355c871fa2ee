"""What many playbooks expect to find, and what many of them leave behind: for entries (`prepare=healthy`).

Belongs here: preparations and looks that two entries need. Does not belong here: what one playbook alone needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox.host.machine import Machine
from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.connectors.kubernetes_shapes import Deployment
from playbooks.connectors.postgres import Postgres
from playbooks.engine import leftovers
from playbooks.engine.leftovers import changed
from playbooks.secrets import SecretRef
from tests.library.stage import Stage


async def healthy(stage: Stage) -> None:
    """checkout answers wherever its database writes."""
    stage.sandbox.settings.change({"broken_zone": "none"})


async def marked(stage: Stage) -> None:
    """checkout is healthy, and its database has had markers before: only the first one makes their table."""
    await healthy(stage)
    await stage.tool(Postgres).write_marker(SecretRef("env://CHECKOUT_DSN"), "before", "")


def letter(stage: Stage) -> dict[str, Any]:
    """The one mail that was sent; twice only where its answer was lost and a person had it sent again."""
    kept = stage.sandbox.mail.kept
    assert len({(one["id"], one["subject"], one["body"]) for one in kept}) == 1, f"{len(kept)} mails"
    return kept[0]


def game_day(fault: str) -> Callable[[Stage], Awaitable[None]]:
    """The check of a game day: the dependency was made to fail, and fails no more."""

    async def over(stage: Stage) -> None:
        host = machine(stage, "staging")
        assert not host.failing and any(f"--inject {fault}" in line for line in host.ran)

    return over


async def deployed(stage: Stage, namespace: str = "production", name: str = "atlantic-api") -> Deployment:
    """A deployment as the cluster has it now."""
    return await stage.tool(KubernetesReads).deployment(namespace, name)


def machine(stage: Stage, host: str = "production") -> Machine:
    """A host as it is now: containers, volumes, files, firewall."""
    return stage.sandbox.hosts.by_name[host].machine


async def nothing_left(stage: Stage) -> None:
    """What the incident's runs changed was set back: there is nothing to undo or accept."""
    left = await stage.db.read(lambda tx: leftovers.of_incident(tx, str(stage.incident), stage.policy))
    assert not left, f"left over: {[changed(one) for one in left]}"


async def isolated(stage: Stage) -> None:
    """The storefront's host as host/ransomware-isolate leaves it."""
    host = machine(stage)
    for port in ("443", "80"):
        rule = f"-p tcp -m conntrack --ctorigdstport {port} --ctdir ORIGINAL -j DROP"
        host.rules.insert(0, ("DOCKER-USER", rule))
    for name in ("ecommerce_backend", "ecommerce_api_gateway"):
        host.containers[name].stop()
