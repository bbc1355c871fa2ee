"""The verbs of who looks after the record: prune, grants, escrow, keys. `__main__` adds them.

Belongs here: their options. Does not belong here: what they do (pruning.py, storage/grants.py, sealed.py,
keys.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bot.printing import Commands

Which = Annotated[Literal["show", "rotate"], typer.Argument(help="show, or rotate: seal all of it by the newest key.")]


def add(app: Commands, settings: Callable[[], Any]) -> None:
    """Add them. settings: reads the environment."""

    @app.command()
    def prune(
        folder: Annotated[Path, typer.Option("--to", help="Folder for the exports; keep it.")] = Path("var/pruned"),
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would leave, change nothing.")] = False,
    ) -> None:
        """Export and take out timelines past the policy's `retention`; on PostgreSQL as a member of muster_pruner."""
        from bot import pruning
        from playbooks.policy import load_policy

        found = settings()
        months = load_policy(found.muster_config).retention.months
        raise typer.Exit(pruning.pruned(found.database_url, months, folder, dry_run=dry_run))

    @app.command()
    def grants() -> None:
        """Print the SQL that gives each PostgreSQL login its part: the application cannot change the timeline."""
        from storage import grants as roles

        typer.echo(roles.sql(), nl=False)

    @app.command()
    def escrow(person: Annotated[str, typer.Argument(help="The id on timelines, P-….")]) -> None:
        """Read who an erased person was, once, after two people opened it (`/playbook escrow`)."""
        from bot import sealed

        raise typer.Exit(sealed.told(settings(), person))

    @app.command()
    def keys(what: Which = "show") -> None:
        """By which key of MUSTER_KEY the sealed values are sealed. Exit code 1: not all by the newest."""
        from bot import keys as sealing

        raise typer.Exit(asyncio.run((sealing.rotate if what == "rotate" else sealing.show)(settings())))
