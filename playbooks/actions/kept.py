"""Kept texts that steps send. Shared by actions; declares none.

Belongs here: reading one for the incident a run belongs to. Does not belong here: sending it (slack/).
"""

from __future__ import annotations

from playbooks.action import World
from playbooks.ports import Document, Drafts


async def kept(world: World, document: str) -> Document:
    """A document of the run's own incident. Raises Refused for any other: who may run need not see every incident."""
    incident = str((world.scope.get("incident") or {}).get("id") or "")
    return await world.use(Drafts).read(document, incident)  # type: ignore[type-abstract]
