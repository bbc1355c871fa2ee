"""`postgres.promote`: make a standby the primary, once the old one is known not to accept writes."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.actions.durations import Length
from playbooks.actions.fences import Fence, alive, on_word
from playbooks.connectors.answers import Alive, ServiceRefused
from playbooks.connectors.postgres import Postgres, PostgresReads, Server, Standby
from playbooks.errors import Refused, Temporary
from playbooks.secrets import SecretRef

# A standby that was told to promote shows it within seconds, plus what it still has to replay.
SETTLED_S = 90.0
# A primary that lives is heard at least every 30 s (half of wal_sender_timeout), also when nothing is written.
HEARD_S = 40.0


class Promoted(Outputs):
    """Which standby was told to be the primary."""

    timeline_before: int = Field(description="Timeline it was on; the new one is higher")
    lag_s: float | None = Field(description="What it lacked at most, in seconds; None when nobody could know")
    last_transaction_at: datetime | None = Field(description="Newest transaction it had (UTC)")


@action("postgres.promote", risk=Risk.IRREVERSIBLE, again=Again.NEVER, result=Promoted,
        needs=("postgres:pg_promote", "postgres:pg_read_all_stats"))  # fmt: skip
class Promote(Action):
    """Promote a PostgreSQL standby to primary

    Example: {uses: postgres.promote, with: {dsn: "env://CHECKOUT_SECONDARY_DSN", old_primary: "env://CHECKOUT_DSN"}}

    Refuses while the old primary answers and accepts writes. Where it does not answer (or none is named), it takes
    `word`, what two people said of it, which becomes part of the effect others approve. Refuses what is no standby, so
    that a repeat does nothing.
    """

    dsn: SecretRef = Field(description="Reference to the standby's address, with a role that may promote")
    old_primary: SecretRef | None = Field(default=None, description="Reference to the old primary's address")
    word: str = Field(default="", description="People's word that the old primary cannot accept writes", max_length=500)
    wait: Length = Field(default=timedelta(seconds=10), description="How long the call itself waits (at most 30s)")

    why_no_undo = "A promoted server has a history of its own. The old primary joins again as its standby, rebuilt."
    verify_within_s = 300.0
    timeout_s = 60.0

    async def plan(self, world: World) -> Plan:
        """Says what is known of the old primary and what may be lost; refuses when two could accept writes."""
        server, standby, fence = await self._check(world)
        lost_s, lost = self._lost(server, standby, fence)
        paused = ("Replay is paused there; promoting ends the pause.",) if standby.paused else ()
        only = ("It stays read-only: that setting came along from the old primary.",) if server.reads_only else ()
        return Plan(
            targets=(f"postgres:{server.system}",),
            effect=f"Promote the standby at {self.dsn} to primary, leaving timeline {server.timeline}; {fence.said}",
            warnings=(
                "Cannot be taken back: the old primary is rebuilt as a standby.",
                *fence.warnings,
                *paused,
                *only,
            ),
            data_loss_s=lost_s,
            data_loss=lost,
            undo="None. Going back is another failover, once the old primary is rebuilt.",
        )

    async def run(self, act: Act) -> Promoted:
        """Promote it. Looks once more first: approvals take time, and the old primary may be back."""
        server, standby, _ = await self._check(act)
        await act.use(Postgres).promote(self.dsn, min(30, round(self.wait.total_seconds())))
        return Promoted(timeline_before=server.timeline, lag_s=standby.lag_s, last_transaction_at=standby.last_at)

    async def verify(self, world: World, done: Promoted) -> Seen:
        """It is no standby any more and on a new timeline."""
        seen = await world.use(PostgresReads).server(self.dsn)
        if seen.standby:
            return Seen(ok=None, text=f"still a standby on timeline {seen.timeline}", again_in=1.0)
        only = ", read-only by its own setting" if seen.reads_only else ", accepts writes"
        if seen.timeline <= done.timeline_before:
            return Seen(ok=False, text=f"a primary on timeline {seen.timeline}: it was never promoted")
        return Seen(ok=True, text=f"primary on timeline {seen.timeline}{only}", facts={"timeline": seen.timeline})

    async def reconcile(self, world: World) -> Found:
        """A standby long after was not promoted; a primary was, since it was a standby when the step began."""
        reads = world.use(PostgresReads)
        seen = await reads.server(self.dsn)
        if not seen.standby:
            done = Promoted(timeline_before=seen.timeline - 1, lag_s=None, last_transaction_at=None)
            return Found(True, f"{self.dsn} is a primary on timeline {seen.timeline}; it was a standby before.", done)
        waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
        where = f"{self.dsn} is still a standby on timeline {seen.timeline}, {waited:.0f} s after the start"
        if waited >= SETTLED_S:
            return Found(False, f"{where}.")
        return Found(None, f"{where}; too early to call it untouched.")

    async def _check(self, world: World) -> tuple[Server, Standby, Fence]:
        reads = world.use(PostgresReads)
        server = await reads.server(self.dsn)
        if not server.standby:
            raise Refused(f"{self.dsn} is no standby: it is a primary on timeline {server.timeline} already.",
                          todo="There is nothing to promote.")  # fmt: skip
        standby = await reads.standby(self.dsn)
        fence = await self._fence(reads, server, standby)
        return server, standby, fence

    async def _fence(self, reads: PostgresReads, server: Server, standby: Standby) -> Fence:
        """What is known of the old primary. Raises Refused when it may accept writes."""
        if self.old_primary is None:
            return self._unseen("is not named", standby)
        try:
            old = await reads.server(self.old_primary)
        except Alive:
            raise alive(self.old_primary, "answers but lets nobody look, so it may accept writes") from None
        except Temporary:
            return self._unseen("does not answer", standby)
        except ServiceRefused as error:
            if error.code == "dsn":
                raise
            return self._unseen("does not let Muster in", standby)
        if old.system != server.system:
            raise Refused(f"{self.old_primary} and {self.dsn} are not of one cluster: that is not its old primary.",
                          todo="Check which addresses are meant. Nothing was done.")  # fmt: skip
        if old.started_at == server.started_at:
            raise Refused(f"{self.old_primary} and {self.dsn} are one and the same server. Nothing was done.",
                          todo="Name the old primary by its own address.")  # fmt: skip
        if old.standby:
            return Fence("the old primary is a standby now")
        if not old.reads_only:
            raise alive(self.old_primary, "answers and accepts writes")
        return await self._read_only(reads, self.old_primary, standby)

    def _unseen(self, seen: str, standby: Standby) -> Fence:
        """Not even people's word counts against a primary that this standby hears."""
        if standby.heard_s is not None and standby.heard_s < HEARD_S:
            why = f"was heard by this standby {standby.heard_s:.0f} s ago: it lives"
            raise alive(f"the other end of {self.dsn}", why)
        return on_word(self.word, seen)

    async def _read_only(self, reads: PostgresReads, old: SecretRef, standby: Standby) -> Fence:
        behind = await reads.bytes_behind(old, standby.replayed)
        if behind > 0:
            raise Refused(f"The standby lacks {behind:,} bytes of what the old primary, now read-only, has written.",
                          todo="Wait until it has all (postgres.replication_lag). Nothing was done.")  # fmt: skip
        switch = await reads.switch(old)
        open_ones = f"{switch.sessions} older sessions there may still write" if switch.sessions else ""
        exempt = f"these roles may still write there: {', '.join(switch.exempt)}" if switch.exempt else ""
        said = "Read-only is a default that a session can override; stop the old primary soon."
        return Fence("the old primary is read-only and the standby has all of it", level=True,
                     warnings=(said, *(one for one in (open_ones, exempt) if one)))  # fmt: skip

    def _lost(self, server: Server, standby: Standby, fence: Fence) -> tuple[int | None, str]:
        if fence.level:
            return 0, "0 s (the standby has all that the old primary has)"
        if standby.last_at is None:
            return None, "not known: this standby has replayed no transaction yet"
        age = max(0, round((server.now - standby.last_at).total_seconds()))
        return age, f"what was committed after {standby.last_at:%d %b %H:%M:%S} UTC, at most {age} s of it"

    def say(self, done: Promoted) -> str:
        """Told to be the primary."""
        return f"{self.dsn} told to be the primary, leaving timeline {done.timeline_before}"
