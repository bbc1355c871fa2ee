"""`host.erase`: a command of the policy that cannot be taken back."""

from __future__ import annotations

from playbooks.action import Again, Risk, action
from playbooks.actions.host_runs import Ran
from playbooks.actions.host_step import HostStep


@action("host.erase", risk=Risk.IRREVERSIBLE, again=Again.NEVER, needs=("host:erase",), result=Ran)
class Erase(HostStep):
    """Run an irreversible command on a host

    Example: {uses: host.erase, with: {host: production, command: restore_latest, arguments: {database: main}}}

    Held for approval. Runs at most once per attempt: a receipt on the host says what became of it.
    """

    why_no_undo = "What it replaces or deletes is gone."
