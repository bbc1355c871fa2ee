"""`host.run`: a command of the policy that changes something and hurts nobody."""

from __future__ import annotations

from playbooks.action import Again, Risk, action
from playbooks.actions.host_runs import Ran
from playbooks.actions.host_step import UndoableHostStep


@action("host.run", risk=Risk.WRITE, again=Again.NEVER, needs=("host:run",), result=Ran)
class Run(UndoableHostStep):
    """Run a command on a host

    Example: {uses: host.run, with: {host: production, command: compose_up, arguments: {service: postgres}}}

    Runs at most once per attempt: a receipt on the host says what became of it, also when the line broke.
    """
