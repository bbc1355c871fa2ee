"""The journal comes home: what was declared blind is stored as an ask, once, when the database answers again.

Belongs here: finding what waits, looking what became of its page, storing the ask, marking the line. Does not belong
here: the file (storage/journal.py), making the incident (commands/hooks/journal.py). The ask's key is the declare's
own, so that several processes, or a crash in between, import it once.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.blind import Blind
from bot.duty import Duty
from playbooks.connectors.pagerduty import PagerDutyReads
from playbooks.errors import MusterError
from storage import inbox
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.journal import Declare, Journal

log = structlog.get_logger(__name__)
LOOK_S = 10.0
ENDED = ("done", "refused")


class Importer:
    """One process's importer. pages: where a page is looked up; None: its word in the journal is believed."""

    def __init__(self, db: Database, blind: Blind, pages: PagerDutyReads | None, *, owner: str) -> None:
        self._db = db
        self._blind = blind
        self._journal: Journal = blind.journal
        self._pages = pages
        self._known: tuple[int, int] | None = None
        self.duty = Duty("journal", db, self.bring, owner=owner)

    async def start(self) -> None:
        """Begin to watch."""
        await self.duty.start()

    async def stop(self) -> None:
        """End; what waits stays in the file."""
        await self.duty.stop()

    async def bring(self) -> bool:
        """Import what waits and is over. Raises Unreachable: then it goes on waiting."""
        stamp = await asyncio.to_thread(self._stamp)
        if stamp == self._known:
            return False
        waiting = await asyncio.to_thread(self._journal.waiting)
        now = datetime.now(UTC)
        for one in [one for one in waiting if one.over(now, self._journal.boot, list(self._blind.busy))]:
            await self._one(one)
        if not waiting:
            self._known = stamp
        return False

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._journal.path.stat()
        except OSError:
            return 0, 0
        return found.st_size, found.st_mtime_ns

    async def _one(self, declare: Declare) -> None:
        key = import_key(declare.id)
        # In a writing transaction, although it only reads: what PagerDuty shows is looked up once writing works again.
        state = await self._db.write(lambda tx: inbox.state(tx, key))
        if state is None:
            ask = ask_of(declare, await self._look(declare))
            await self._db.write(lambda tx: _store(tx, ask))
            log.warning("importing.begun", lines=len(declare.lines), intact=declare.intact)
        elif state in ENDED:
            # Written after the commit: a crash in between only means that it is looked at once more.
            await asyncio.to_thread(self._journal.write, "imported", declare.id, {"state": state})
            log.warning("importing.done", state=state)

    async def _look(self, declare: Declare) -> dict[str, Any]:
        """What PagerDuty shows under the page's key: an alert somebody has closed meanwhile must not ring again."""
        page = declare.last("page")
        if page is None or self._pages is None:
            return {}
        try:
            async with asyncio.timeout(LOOK_S):
                found = await self._pages.incident_by_key(str(page.body["key"]))
        except (MusterError, TimeoutError) as error:
            log.warning("importing.page_not_looked_up", error=type(error).__name__)
            return {}
        return {"found": True, "id": found.id, "url": found.url, "status": found.status} if found else {"found": False}


def import_key(declare: str) -> str:
    """The key of the ask that imports a declare."""
    return f"journal:{declare}"


def ask_of(declare: Declare, page: dict[str, Any]) -> Ask:
    """The ask the hook `journal` handles: who declared what and where, and every line of it."""
    said = {name: value for name, value in declare.asked["ask"].items() if name != "values"}
    values = {
        "ask": declare.asked["ask"], "lines": [asdict(line) for line in declare.lines], "intact": declare.intact,
        "replica": declare.lines[0].replica, "page": page,
    }  # fmt: skip
    return replace(Ask(**said), key=import_key(declare.id), kind="journal", via="journal", values=values)


def _store(tx: Tx, ask: Ask) -> None:
    inbox.store(tx, [ask])
