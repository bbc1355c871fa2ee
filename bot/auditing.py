"""An auditor's terminal: it may verify and export, each use is an event, and every other verb is refused.

Belongs here: looking at whose terminal this is before a verb begins. Does not belong here: what the verbs do, or how it
became an auditor's (`/playbook auditor`). A person's own terminal, and a machine without one, are left alone.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.cli_login import read, token_file
from bot.settings import Settings
from playbooks.errors import Refused
from storage import auditors
from storage.db import Database, Tx
from storage.incident_rows import Impossible

MAY = ("verify", "export")
ALWAYS = ("login", "logout", "version")


def enrolled() -> bool:
    """Whether this is somebody's terminal at all."""
    return token_file().exists()


def guard(verb: str, settings: Settings, *, file: Path | None = None, line: str | None = None) -> None:
    """Write down what an auditor's terminal does, or raise Refused. Unreachable where that cannot be written."""
    found = file or token_file()
    if verb in ALWAYS or not found.exists():
        return
    said = line if line is not None else " ".join(sys.argv[1:])
    asyncio.run(_guard(verb, settings.database_url, read(found), said))


async def _guard(verb: str, url: str, token: str, line: str) -> None:
    def work(tx: Tx) -> None:
        if not auditors.is_auditor(tx, token):
            return
        if verb not in MAY:
            raise Refused("This terminal is an auditor's: it may verify and export, and nothing else.")
        auditors.used(tx, token, verb, line)

    try:
        async with Database(url) as db:
            await db.write(work)
    except Impossible as no:
        raise Refused(no.message, todo=no.todo) from None
