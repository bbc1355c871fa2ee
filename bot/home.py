"""Which workspace is home: people of another one are strangers, so nothing is handled before this is known.

Belongs here: learning it from the record or from Slack. Does not belong here: who is who (playbooks/directory.py).
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import select

from playbooks.connectors.pagerduty import PagerDutyReads
from playbooks.connectors.slack import SlackReads
from playbooks.directory import Directory
from playbooks.errors import MusterError
from storage.db import Database, Tx
from storage.people import MEMBER
from storage.tables import accounts

log = structlog.get_logger(__name__)
LONGEST_WAIT_S = 15.0


class HomeDirectory(Directory):
    """The directory of a process that starts before it knows its workspace."""

    def __init__(self, db: Database, slack: SlackReads | None, pagerduty: PagerDutyReads | None) -> None:
        super().__init__(db, slack, pagerduty, "")
        self._record = db
        self._reads = slack

    @property
    def home(self) -> str:
        """Id of the home workspace, "" while it is not known."""
        return self._team

    async def find_home(self) -> str:
        """Learn it: the record knows after the first day, so a restart does not wait for Slack. Tries for ever."""
        wait = 0.5
        while not self._team:
            self._team = await self._record.read(_remembered) or await self._asked()
            if not self._team:
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)
        return self._team

    async def _asked(self) -> str:
        if self._reads is None:
            return ""
        try:
            home = await self._reads.auth_test()
            return home.enterprise_id or home.team_id  # inside an organisation people have its id (contract A13)
        except MusterError as error:
            log.error(
                "home.unknown", error=error.message, todo="asks are kept until Slack says which workspace this is"
            )
            return ""


def _remembered(tx: Tx) -> str:
    query = select(accounts.c.id).where(accounts.c.kind == "slack", accounts.c.state == MEMBER)
    found = tx.conn.execute(query.order_by(accounts.c.believed_at.desc()).limit(1)).scalar()
    return str(found).rpartition("/")[0] if found else ""
