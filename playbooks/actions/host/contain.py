"""`host.contain`: a command of the policy that only closes access."""

from __future__ import annotations

from playbooks.action import Again, Risk, action
from playbooks.actions.host_runs import Ran
from playbooks.actions.host_step import UndoableHostStep


@action("host.contain", risk=Risk.CONTAIN, again=Again.NEVER, needs=("host:contain",), result=Ran)
class Contain(UndoableHostStep):
    """Close access at a host

    Example: {uses: host.contain, with: {host: production, command: firewall_close, arguments: {port: "443"}}}

    The policy names the command that opens it again; that one takes the full quorum.
    """
