"""Which policy rules in this process: the file, with the guarded sections of the active row in place of its own.

Belongs here: finding that at the start, asking for what the file proposes, following the row while running. Does not
belong here: who approves (playbooks/engine/decisions/policy.py), reading the file (playbooks/policy.py).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bot.duty import Duty
from playbooks.engine.decisions import policy as changing
from playbooks.engine.held import House
from playbooks.engine.policy_change import as_read, ruled_by, sections_of
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import policies
from storage.db import Database, Tx

log = structlog.get_logger(__name__)


def ruling_policy(tx: Tx, policy: Policy) -> Policy:
    """The policy with the guarded sections that rule: the first file ever seen, until a change of it is approved.

    A row that an older version wrote is first written as this one reads it: an unchanged file asks nobody for anything.
    """
    before = policies.active(tx)
    if before is not None and (now := as_read(policy, before)) is not before:
        policies.renew(tx, before, now.sections, now.digest)
    digest = policy.digest()
    if policies.adopt(tx, sections_of(policy), digest) == policies.ACTIVE:
        return policy
    ruling = policies.active(tx)
    assert ruling is not None, "something is proposed only beside an active one"
    log.warning("ruling.proposed", proposed=digest[:12], ruling=ruling.digest[:12])
    return ruled_by(policy, ruling.sections)


def ask(tx: Tx, house: House, digest: str) -> None:
    """Ask for what this process's file proposes, once; what this version cannot read is only logged."""
    try:
        changing.ask(tx, house, digest)
    except Refused as no:
        log.error("ruling.not_asked", proposed=digest[:12], why=str(no))


class Ruling:
    """Follows the active row: whoever approved a change where, every process uses it within a second.

    file: this process's own policy; use: handed the one that rules, whenever that changes.
    """

    def __init__(self, db: Database, file: Policy, use: Callable[[Policy], None], *, owner: str) -> None:
        self._db = db
        self._file = file
        self._use = use
        self._digest = ""
        self.duty = Duty("ruling", db, self.look, owner=owner, topics=("policy",))

    async def start(self, ruling: Policy) -> None:
        """Begin to follow. ruling: what this process was started with."""
        self._digest = ruling.digest()
        await self.duty.start()

    async def stop(self) -> None:
        """End."""
        await self.duty.stop()

    def wake(self) -> None:
        """The row may have changed."""
        self.duty.wake()

    async def look(self) -> bool:
        """Take up the active row when it is another one than before."""
        row = await self._db.read(policies.active)
        if row is None or row.digest == self._digest:
            return False
        try:
            ruling = ruled_by(self._file, row.sections)
        except Refused as no:  # a newer version wrote it: the former sections go on ruling here, and this says so
            log.error("ruling.unreadable", ruling=row.digest[:12], why=str(no))
        else:
            self._use(ruling)
            log.info("ruling.changed", ruling=row.digest[:12])
        self._digest = row.digest
        return False
