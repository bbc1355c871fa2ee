"""Writing a new run: its row, its steps, its first event. For what people ask and what the engine itself calls.

Belongs here: turning a playbook into rows. Does not belong here: permission, inputs (inputs.py), taking it up
(engine.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert

from playbooks.action import Risk, find
from playbooks.engine.held import House
from playbooks.engine.inputs import service_input, site_input
from playbooks.engine.model import Playbook
from playbooks.engine.model import Step as ModelStep
from playbooks.engine.outcomes import as_json
from playbooks.engine.placing import active_site
from playbooks.errors import Refused
from storage import cards, timeline
from storage.db import Tx
from storage.sql import next_number
from storage.tables import runs, steps
from storage.timeline import ORG, Entry

ACTIVE = re.compile(r"\$\{\{[^}]*\bactive\.")  # a reference to what the service has where it is active


def write_run(
    tx: Tx,
    house: House,
    *,
    playbook: Playbook,
    inputs: Mapping[str, Any],
    incident: str | None,
    requester: str,
    account: str | None = None,
    ask: str | None = None,
    shown: bool = True,
    service: str | None = None,
    site: str | None = None,
    kind: str = "real",
    editors: Sequence[str] = (),
) -> str:
    """Insert run and steps and append `run.requested`; returns the id, "INC-42/2" or "org/7"."""
    stream = incident or ORG
    number = next_number(tx, f"runs:{stream}")
    id = f"{stream}/{number}"
    named, at = service_input(playbook), site_input(playbook)
    about = service or (inputs.get(named) if named else None)
    row = {
        "id": id, "stream": stream, "number": number, "incident": incident, "playbook": playbook.name,
        "title": playbook.title, "text": playbook.text, "digest": playbook.digest, "inputs": dict(inputs),
        "kind": kind, "service": about, "active_site": active_site(tx, house.policy, about),
        "site": site or (inputs.get(at) if at else None), "requester": requester, "requester_account": account,
        "editors": list(editors), "ask": ask, "shown": shown, "state": "queued", "fence": 0, "ready_at": tx.now,
        "created_at": tx.now, "revision": 1,
    }  # fmt: skip
    _reachable(house, playbook, row)
    tx.conn.execute(insert(runs).values(row))
    tx.conn.execute(insert(steps), [_step(id, step) for step in playbook.steps])
    body = {"run": id, "playbook": playbook.name, "digest": playbook.digest, "kind": kind, "shown": shown}
    body |= {"service": row["service"], "site": row["site"], "steps": len(playbook.steps)}
    timeline.append(tx, stream, Entry("run.requested", requester, body, {"inputs": as_json(dict(inputs))}))
    if shown:
        cards.want(tx, "run", id, stream)
    if incident:
        cards.want(tx, "board", incident, stream)
    tx.hint("runs")
    return id


def _reachable(house: House, playbook: Playbook, row: Mapping[str, Any]) -> None:
    """A drill breaks and moves things: it reaches only sites that are marked for drills, and the site where its service
    is active only when that is one too, or it only looks there. So does a playbook that is made for such a site."""
    if row["kind"] != "drill" and not _rehearses(house, playbook):
        return
    named = [row["site"] or row["active_site"]]
    named += [row["active_site"]] if any(_changes_active(step) for step in playbook.steps) else []
    sites = [house.policy.sites[name] for name in named if name in house.policy.sites]
    site = next((one for one in sites if not one.drills), None)
    if site is not None:
        marked = [one.name for one in house.policy.sites.values() if one.drills]
        raise Refused(
            f"A drill does not reach **{site.name}**: that site is not marked for drills. Nothing was started.",
            todo=f"Run it at {' or '.join(marked)}." if marked else "Mark a site with `drills: true` in the policy.",
        )


def _rehearses(house: House, playbook: Playbook) -> bool:
    """Whether the site it takes unless somebody names another one is marked for drills."""
    at = site_input(playbook)
    usual = next((house.policy.sites.get(str(item.default)) for item in playbook.inputs if item.name == at), None)
    return usual is not None and usual.drills


def _changes_active(step: ModelStep) -> bool:
    """Whether a step that does more than look is given what the service has where it is active."""
    action = find(step.uses)
    looks = action is not None and action.risk is Risk.READ and not step.risk
    return not looks and not step.uses.startswith("human.") and ACTIVE.search(str(step.with_)) is not None


def _step(run: str, step: Any) -> dict[str, Any]:
    cls = find(step.uses)
    risk = max(cls.risk if cls else Risk.IRREVERSIBLE, step.risk or Risk.READ)
    return {
        "run": run, "idx": step.index, "id": step.id, "uses": step.uses, "title": step.title, "phase": step.phase,
        "grp": step.group, "lane": step.lane, "risk": int(risk), "on_failure": step.on_failure, "state": "pending",
        "attempt": 1, "tries": 0, "requesters": [],
    }  # fmt: skip
