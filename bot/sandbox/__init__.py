"""A local workspace: stand-ins for Slack, PagerDuty, Statuspage and AWS, to run and test Muster without accounts.

``Sandbox`` runs them on loopback; ``SandboxClient`` acts as the people, reads what happened, and plans failures.
Nothing of the product imports this package except the CLI.
"""

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox

__all__ = ["Sandbox", "SandboxClient"]
