"""A person's authenticator app, for tests of everything that asks for a code.

`await Phone.of(db, seal, person)` enrols in rows; `await phone.code()` is a code that is good now, every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import update

from playbooks import step_up
from storage import factors
from storage.db import Database, Tx
from storage.sealing import Seal
from storage.tables_guard import factors as rows


@dataclass
class Phone:
    """One app. secret: base32."""

    db: Database
    person: str
    secret: str

    @classmethod
    async def of(cls, db: Database, seal: Seal, person: str) -> Phone:
        """An enrolled person's."""

        def work(tx: Tx) -> str:
            offer = step_up.offer(tx, seal, person, person)
            assert offer is not None and factors.confirm(tx, person)
            return offer.secret

        return cls(db, person, await db.write(work))

    def at(self, now: datetime, steps: int = 0) -> str:
        """The code of a time."""
        return pyotp.TOTP(self.secret).generate_otp(int(now.timestamp()) // 30 + steps)

    async def code(self) -> str:
        """One that is good now, whatever was used in this half minute: tests do not wait."""

        def work(tx: Tx) -> datetime:
            tx.conn.execute(update(rows).where(rows.c.person == self.person).values(last_step=factors.SHOWN))
            return tx.now

        return self.at(await self.db.write(work))

    async def bad(self) -> str:
        """Six digits that are no code of these minutes."""
        now = await self.db.read(lambda tx: tx.now)
        near = {self.at(now, steps) for steps in range(-4, 5)}
        return next(f"{n:06}" for n in range(20) if f"{n:06}" not in near)
