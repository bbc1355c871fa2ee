"""Where a service is active: read for a run, checked before what hurts, written when a step that moves it was verified.

Belongs here: which record counts. Does not belong here: the rows (storage/placements.py), what DNS and the writer say
(playbooks/actions/service).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbooks.engine.scope import service_of
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import placements
from storage.db import Tx
from storage.placements import Placement
from storage.runs import Run


def active_site(tx: Tx, policy: Policy, service: str | None) -> str | None:
    """The site where a service is active: its last verified move, else the policy's word. None without a service."""
    if service is None:
        return None
    moved = placements.newest(tx, service)
    if moved is not None:
        return moved.site
    found = service_of(policy, service)
    return found.site if found is not None else None


def unmoved(tx: Tx, run: Run) -> None:
    """Raises Refused when the run's service moved after the run was asked for, and not by the run itself."""
    moved = placements.newest(tx, run.service) if run.service else None
    if moved is None or moved.run == run.id or moved.site == run.active_site:
        return
    raise Refused(
        f"{run.service} has moved: active at {moved.site} since {moved.at:%H:%M} UTC ({moved.run}); this run was asked "
        f"for when it was at {run.active_site or 'no site'}. The step was not started.",
        todo=f"Look where it is, then ask anew: `/playbook run {run.playbook} service={run.service}`.",
    )


def move(tx: Tx, run: Run, idx: int, placed: Mapping[str, Any]) -> Placement:
    """Write a verified move. placed: {"service", "site"}."""
    service, site = str(placed["service"]), str(placed["site"])
    before = placements.newest(tx, service)
    was = before.site if before is not None else run.active_site if run.service == service else None
    return placements.add(tx, service=service, site=site, was=was, run=run.id, step=idx)
