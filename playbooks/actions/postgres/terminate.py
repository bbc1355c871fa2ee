"""`postgres.terminate`: end named sessions."""

from __future__ import annotations

from pydantic import Field, field_validator

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.postgres import Postgres, PostgresReads, Session
from playbooks.connectors.postgres_sessions import parts
from playbooks.errors import Refused
from playbooks.secrets import SecretRef

SETTLED_S = 20.0  # a session notices within milliseconds, unless it cannot be interrupted just then


class Terminated(Outputs):
    """Which sessions were ended."""

    ended: tuple[str, ...] = Field(description="Sessions that were told to end")
    left: dict[str, str] = Field(description="Sessions that could not be ended, and why")


@action("postgres.terminate", risk=Risk.RECOVERABLE, again=Again.NEVER, result=Terminated,
        needs=("postgres:pg_signal_backend", "postgres:pg_read_all_stats"))  # fmt: skip
class Terminate(Action):
    """End PostgreSQL sessions

    Example: {uses: postgres.terminate, with: {dsn: "env://CHECKOUT_DSN", sessions: ["4711@2026-11-22T08:00:00+00:00"]}}

    A session is named by its number and when it began, so that one that got the number since is never ended. Those that
    are gone are left out; when all are gone, it refuses. The server's own workers and standbys are refused.
    """

    dsn: SecretRef = Field(description="Reference to the database's address, with a role that may signal others")
    sessions: list[str] = Field(description="As postgres.blocked names them: pid@start", min_length=1, max_length=50)

    why_no_undo = "What a session had not committed is rolled back; its client connects again."
    verify_within_s = 60.0

    @field_validator("sessions")
    @classmethod
    def _named(cls, value: list[str]) -> list[str]:
        for one in value:
            parts(one)
        return list(dict.fromkeys(value))

    async def plan(self, world: World) -> Plan:
        """Names them; who they are and what they do is a note, since that changes by the second."""
        seen = await self._check(world)
        database = (await world.use(PostgresReads).server(self.dsn)).system
        there = {one.name for one in seen}
        notes = [f"{one.name}: {one.user} {one.application} on {one.database}, {one.state}, transaction of "
                 f"{one.transaction_s:.0f} s: {one.query}" for one in seen]  # fmt: skip
        return Plan(
            targets=tuple(f"postgres:{database}/session/{name}" for name in self.sessions),
            effect=f"End {_many(len(self.sessions))} at {self.dsn}: {', '.join(self.sessions)}",
            warnings=("What they have not committed is rolled back.",),
            notes=(*notes, *(f"{name} is gone already." for name in self.sessions if name not in there)),
            undo="None; clients connect again by themselves.",
        )

    async def run(self, act: Act) -> Terminated:
        """End those that are still there."""
        there = [one.name for one in await self._check(act)]
        problems = await act.use(Postgres).terminate(self.dsn, there)
        ended = tuple(name for name, problem in problems.items() if not problem)
        return Terminated(ended=ended, left={name: problem for name, problem in problems.items() if problem})

    async def verify(self, world: World, done: Terminated) -> Seen:
        """None of them is there any more."""
        if done.left:
            words = "; ".join(f"{name}: {problem}" for name, problem in done.left.items())
            return Seen(ok=False, text=f"{len(done.ended)} ended, not {words}")
        there = [one.name for one in await self._there(world)]
        if there:
            return Seen(ok=None, text=f"still there: {', '.join(there)}", again_in=1.0)
        return Seen(ok=True, text=f"{_many(len(done.ended))} ended")

    async def reconcile(self, world: World) -> Found:
        """None there: it happened (or they ended by themselves, which is the same). Some there a while after: not."""
        there = [one.name for one in await self._there(world)]
        if not there:
            done = Terminated(ended=tuple(self.sessions), left={})
            return Found(True, f"None of {', '.join(self.sessions)} is there any more.", done)
        waited = (world.now - world.started_at).total_seconds() if world.started_at else 0.0
        said = f"Still there {waited:.0f} s after the start: {', '.join(there)}"
        return Found(False if waited >= SETTLED_S else None, f"{said}.")

    async def _there(self, world: World) -> list[Session]:
        return [one for one in await world.use(PostgresReads).sessions(self.dsn) if one.name in self.sessions]

    async def _check(self, world: World) -> list[Session]:
        there = await self._there(world)
        if not there:
            raise Refused(f"None of these sessions is there any more: {', '.join(self.sessions)}.",
                          todo="There is nothing to end; postgres.blocked says who blocks now.")  # fmt: skip
        if own := [one.name for one in there if not one.client]:
            raise Refused(f"{', '.join(own)} is no client: standbys and the server's own workers are not ended here.",
                          todo="Leave it out.")  # fmt: skip
        return there

    def say(self, done: Terminated) -> str:
        """2 sessions told to end."""
        left = f", {len(done.left)} could not be ended" if done.left else ""
        return f"{_many(len(done.ended))} told to end{left}"


def _many(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'}"
