"""`/incident help`: what can be asked here, on one screen."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.helping import help_for


@command("incident help", group="Look", examples=("incident help", "incident help declare"))
class Help(Command):
    """Say what can be asked, or how one command is used"""

    about: Annotated[str, Arg("line", "a command, or a group of them")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Generated from the commands themselves."""
        return help_for("incident", self.about)
