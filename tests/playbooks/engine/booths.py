"""A run held for approval by an engine that then stands still, so that only people move; and proofs of who they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from playbooks.engine.breaking import break_glass
from playbooks.engine.library import Library
from playbooks.engine.requests import revoke, vote
from playbooks.engine.reviewing import review
from storage import factors, reviews, runs, timeline
from storage.db import Tx
from storage.tables import approvals
from storage.tables import runs as run_rows
from storage.tables import timers as timer_rows

ASK = "ask-1"
LIBRARY = Library()


def prove(tx: Tx, person: str) -> str:
    """A right code of an enrolled person, as checked while their ask was stored."""
    factors.offer(tx, person, "sealed")
    factors.confirm(tx, person)
    return factors.prove(tx, person, "totp", ASK)


@dataclass
class Glass:
    """One held run and everything people may do to it."""

    stage: Any
    engine: Any
    run: str
    asked: runs.Approval

    @classmethod
    async def held(cls, stage: Any, steps: str, **more: Any) -> Glass:
        engine = stage.engine()
        engine.house.find_playbook = LIBRARY.find
        run = await stage.request(steps, engine, **more)
        await engine.start()
        asked = await stage.held(run)
        await stage.until(lambda tx: runs.get(tx, run).state == "waiting")
        await engine.stop()
        return cls(stage, engine, run, asked)

    async def write(self, work: Any) -> Any:
        return await self.stage.db.write(work)

    async def breaks(
        self, who: Any, *named: str, code: bool = True, reason: str = "nobody answers", **more: Any
    ) -> Any:
        actor = self.stage.actor(who) if isinstance(who, str) else who

        def work(tx: Tx) -> Any:
            proof = prove(tx, actor.person) if code and actor.person else ""
            given = {"digest": None, "proof": proof, "ask": ASK, "via": "test", "reason": reason, **more}
            return break_glass(tx, self.engine, run=self.run, rules_named=named, actor=actor, **given)

        return await self.write(work)

    async def votes(self, who: str, choice: Any = "approve", *, code: bool = False, **more: Any) -> Any:
        actor = self.stage.actor(who)

        def work(tx: Tx) -> Any:
            if code:
                more.update(proof=prove(tx, actor.person), ask=ASK)
            return vote(tx, self.engine, run=self.run, digest=None, actor=actor, choice=choice, via="test", **more)

        return await self.write(work)

    async def revokes(self, who: str) -> Any:
        actor = self.stage.actor(who)
        return await self.write(lambda tx: revoke(tx, self.engine, run=self.run, actor=actor, via="test"))

    async def reviews(self, who: str, verdict: Any = "accept", reason: str = "") -> Any:
        actor = self.stage.actor(who)
        return await self.write(
            lambda tx: review(tx, self.engine, run=self.run, actor=actor, verdict=verdict, reason=reason, via="test")
        )

    async def starts(self) -> Any:
        """Let an engine go on."""
        again = self.stage.engine("again")
        again.house.find_playbook, again.house.policy = LIBRARY.find, self.engine.house.policy
        await again.start()
        return again

    async def now(self) -> runs.Approval:
        """The newest approval."""
        found: list[runs.Approval] = await self.stage.db.read(lambda tx: runs.approvals_of(tx, self.run))
        return sorted(found, key=lambda one: int(one.id.rpartition("/")[2]))[-1]

    async def first(self) -> runs.Approval:
        found: runs.Approval = await self.stage.db.read(lambda tx: runs.approval(tx, self.asked.id))
        return found

    async def task(self) -> reviews.Review | None:
        found: list[reviews.Review] = await self.stage.db.read(lambda tx: reviews.of_run(tx, self.run))
        return found[0] if found else None

    async def events(self, *types: str) -> list[timeline.Event]:
        found: list[timeline.Event] = await self.stage.db.read(lambda tx: timeline.read(tx, "org", types=types))
        return found

    async def told(self) -> list[dict[str, Any]]:
        """The inputs of the runs that tell people that one person acted alone."""
        query = select(run_rows.c.inputs).where(run_rows.c.playbook == "comms/acted-alone").order_by(run_rows.c.number)
        return list(await self.stage.db.read(lambda tx: tx.conn.execute(query).scalars().all()))

    async def called(self) -> list[dict[str, Any]]:
        """The inputs of the runs that call approvers."""
        query = (
            select(run_rows.c.inputs).where(run_rows.c.playbook == "comms/page-approvers").order_by(run_rows.c.number)
        )
        return list(await self.stage.db.read(lambda tx: tx.conn.execute(query).scalars().all()))

    async def timer(self, kind: str) -> tuple[datetime, dict[str, Any]] | None:
        """When it is due, and with what, while it is pending."""
        query = select(timer_rows.c.due_at, timer_rows.c.payload).where(
            timer_rows.c.kind == kind, timer_rows.c.state == "pending"
        )
        row = await self.stage.db.read(lambda tx: tx.conn.execute(query).first())
        return (row.due_at, row.payload) if row else None

    async def set(self, **values: Any) -> None:
        """Change the newest approval behind Muster's back."""
        mine = update(approvals).where(approvals.c.id == (await self.now()).id).values(**values)
        await self.write(lambda tx: tx.conn.execute(mine) and None)
