"""The verbs of an enrolled terminal: login, logout, approve, deny, status, key. `__main__` adds them.

Belongs here: their options. Does not belong here: what they do (cli_login.py, cli_person.py).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from bot.printing import Commands, told
from storage.sealing import new_key

Run = Callable[[Callable[[Any], Coroutine[Any, Any, int]]], None]
RunName = Annotated[str, typer.Argument(help="The run that waits, such as INC-42/2.")]


Json = Annotated[bool, typer.Option("--json", help="Answers as JSON lines.")]


def add(app: Commands, run: Run) -> None:
    """Add them. run: a coroutine on the settings -> the process's exit code."""

    @app.command(json=False)
    def login() -> None:
        """Let this terminal speak for you: shows a code to confirm in Slack with `/playbook cli`."""
        from bot import cli_login

        run(cli_login.login)

    @app.command()
    def logout() -> None:
        """End what `muster login` began, in the record and here."""
        from bot import cli_login

        run(cli_login.logout)

    @app.command()
    def approve(waits: RunName, json: Json = False) -> None:
        """Approve the step a run waits for, as yourself and with a one-time code; works without Slack."""
        from bot import cli_person

        run(lambda found: cli_person.approve(found, waits, cli_person.How(as_json=json)))

    @app.command()
    def deny(waits: RunName, reason: Annotated[list[str], typer.Argument(help="Why not.")], json: Json = False) -> None:
        """Deny the step a run waits for, as yourself."""
        from bot import cli_person

        line = f"playbook deny {waits} {' '.join(reason)}"
        run(lambda found: cli_person.say(found, line, cli_person.How(as_json=json)))

    @app.command()
    def status(
        what: Annotated[str, typer.Argument(help="INC-42, or a run; left out: all that is open.")] = "",
        json: Json = False,
    ) -> None:
        """See how an incident or a run stands, as yourself."""
        from bot import cli_person

        line = f"playbook status {what}" if "/" in what else f"incident status {what}" if what else "incident list"
        run(lambda found: cli_person.say(found, line, cli_person.How(as_json=json)))

    @app.command()
    def key() -> None:
        """Print a new key for MUSTER_KEY, which seals secrets in the database."""
        made = new_key()
        told(key=made)
        typer.echo(made)
