"""`muster escrow P-…`: who an erased person was, read once, on a terminal that holds MUSTER_KEY.

Belongs here: reading and printing. Does not belong here: opening it, which two people decide (`/playbook escrow`).
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from bot.settings import Settings
from playbooks.errors import Refused
from storage import escrow
from storage.db import Database
from storage.incident_rows import Impossible
from storage.sealing import Seal


def told(settings: Settings, person: str) -> int:
    """Print it. Raises Refused when it is closed, gone, or sealed with another key."""
    if settings.seal is None:
        raise Refused("MUSTER_KEY is not set here, so the escrow cannot be read.", todo="Run it where Muster runs.")
    who = asyncio.run(_read(settings.database_url, settings.seal, person.upper()))
    accounts = ", ".join(f"{kind} {id}" for kind, id in who["accounts"]) or "no account"
    sys.stdout.write(f"{person.upper()}: {who['name'] or 'no name'}, {who['email'] or 'no e-mail'}, {accounts}\n")
    sys.stdout.write("The escrow is closed again; this reading is an event of the org stream.\n")
    return 0


async def _read(url: str, seal: Seal, person: str) -> dict[str, Any]:
    try:
        async with Database(url) as db:
            return await db.write(lambda tx: escrow.read(tx, seal, person, reader="muster"))
    except Impossible as no:
        raise Refused(no.message, todo=no.todo) from None
