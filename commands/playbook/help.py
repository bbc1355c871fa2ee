"""`/playbook help`: what can be asked here, on one screen."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.helping import help_for


@command("playbook help", group="Look", examples=("playbook help", "playbook help run"))
class Help(Command):
    """Say what can be asked, or how one command is used"""

    about: Annotated[str, Arg("line", "a command, or a group of them")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Generated from the commands themselves."""
        return help_for("playbook", self.about)
