"""What many playbooks expect to find, and what many of them leave behind: for entries (`prepare=healthy`).

Belongs here: preparations and looks that two entries need. Does not belong here: what one playbook alone needs.
"""

from __future__ import annotations

from playbooks.connectors.kubernetes import KubernetesReads
from playbooks.connectors.kubernetes_shapes import Deployment
from tests.library.stage import Stage


async def healthy(stage: Stage) -> None:
    """checkout answers wherever its database writes."""
    stage.sandbox.settings.change({"broken_zone": "none"})


async def deployed(stage: Stage, namespace: str = "production", name: str = "atlantic-api") -> Deployment:
    """A deployment as the cluster has it now."""
    return await stage.tool(KubernetesReads).deployment(namespace, name)
