"""Starting a playbook from a command, in the command's own transaction.

Belongs here: handing over only what the playbook asks for; going on when it cannot start. Does not belong here: writing
the run (playbooks/engine).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commands.command import Call
from playbooks.engine.load import service_input, site_input, typed_inputs
from playbooks.engine.model import Playbook
from playbooks.engine.requests import start_run
from playbooks.errors import Refused
from storage import incidents
from storage.db import savepoint
from storage.incidents import Incident


def start(call: Call, name: str, given: Mapping[str, Any], incident: Incident | None, *, shown: bool = False) -> str:
    """Start one of Muster's own playbooks with those of `given` it asks for; returns the run's id. Raises Refused."""
    playbook = call.house.library.find(name)
    known = {item.name for item in playbook.inputs}
    offered = {key: value for key, value in given.items() if key in known and value not in (None, "")}
    inputs = typed_inputs(playbook, offered, call.house.policy, call.tx.now)
    return request(call, playbook, inputs, incident, shown=shown)


def request(
    call: Call, playbook: Playbook, inputs: Mapping[str, Any], incident: Incident | None, *, shown: bool
) -> str:
    """Write the run in the asker's name. What the playbook does not ask for itself comes from the incident."""
    service = incident.service if incident and service_input(playbook) is None else None
    site = incident.site if incident and site_input(playbook) is None else None
    if incident is not None:
        incidents.get(call.tx, incident.id, lock=True)  # first in the lock order
    return start_run(
        call.tx, call.house.engine, playbook=playbook, inputs=inputs, incident=incident.id if incident else None,
        requester=call.person, account=call.ask.account, ask=call.ask.key, shown=shown, service=service, site=site,
    )  # fmt: skip


def try_start(call: Call, name: str, given: Mapping[str, Any], incident: Incident) -> tuple[str | None, str]:
    """Like `start`, but a playbook that is missing or broken does not undo what the command wrote: (run, "") or
    (None, what is wrong)."""
    try:
        with savepoint(call.tx):
            return start(call, name, given, incident), ""
    except Refused as error:
        return None, str(error)
