"""`host.destroy`: a command of the policy that cuts users off or loses what can be made again."""

from __future__ import annotations

from playbooks.action import Again, Risk, action
from playbooks.actions.host_runs import Ran
from playbooks.actions.host_step import UndoableHostStep


@action("host.destroy", risk=Risk.RECOVERABLE, again=Again.NEVER, needs=("host:destroy",), result=Ran)
class Destroy(UndoableHostStep):
    """Run a destructive command on a host

    Example: {uses: host.destroy, with: {host: production, command: compose_restart, arguments: {service: postgres}}}

    Held for approval. Runs at most once per attempt: a receipt on the host says what became of it.
    """
