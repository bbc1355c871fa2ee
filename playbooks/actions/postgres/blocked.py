"""`postgres.blocked`: which sessions wait for which?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.actions.durations import Length
from playbooks.connectors.postgres import PostgresReads, Session
from playbooks.secrets import SecretRef

SHOWN = 30


class SessionSeen(BaseModel):
    """A session; `session` is what postgres.terminate takes. query: without its literal values."""

    model_config = ConfigDict(frozen=True)
    session: str
    database: str
    user: str
    application: str
    state: str
    waits_s: float
    transaction_s: float
    query: str
    blocked_by: tuple[str, ...]


class Blocked(Outputs):
    """Who waits, and for whom in the end."""

    count: int = Field(description="Sessions that wait for a lock")
    longest_s: float = Field(description="How long the one that waits longest does, in seconds")
    waiting: tuple[SessionSeen, ...] = Field(description=f"Those that wait, longest first, at most {SHOWN}")
    blockers: tuple[SessionSeen, ...] = Field(description="Those that others wait for and that wait for nobody")
    roots: tuple[str, ...] = Field(description="The blockers, as postgres.terminate takes them")
    prepared: bool = Field(description="Whether somebody waits for a prepared transaction, which is no session")


@action("postgres.blocked", risk=Risk.READ, again=Again.SAFE, needs=("postgres:pg_read_all_stats",), result=Blocked)
class BlockedSessions(Action):
    """Look who waits for whom

    Example: {uses: postgres.blocked, with: {dsn: "env://CHECKOUT_DSN", longer_than: 30s}}
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    longer_than: Length = Field(default=timedelta(0), description="Only waits that take longer (30s or seconds)")

    async def look(self, world: World) -> Blocked:
        """Look once, at all databases of the server."""
        every = {one.name: one for one in await world.use(PostgresReads).sessions(self.dsn)}
        least = self.longer_than.total_seconds()
        waiting = [one for one in every.values() if (one.blocked_by or one.prepared) and one.waits_s >= least]
        waiting.sort(key=lambda one: -one.waits_s)
        roots = _roots(waiting, every)
        return Blocked(
            count=len(waiting), longest_s=round(waiting[0].waits_s, 1) if waiting else 0.0,
            waiting=tuple(_seen(one) for one in waiting[:SHOWN]), blockers=tuple(_seen(every[name]) for name in roots),
            roots=tuple(roots), prepared=any(one.prepared for one in waiting),
        )  # fmt: skip

    def say(self, done: Blocked) -> str:
        """3 sessions wait, the longest 42 s, for 4711@…."""
        if not done.count:
            return "no session waits for another"
        one = "session waits" if done.count == 1 else "sessions wait"
        whom = [f"{one.session} ({one.user}, {one.state})" for one in done.blockers]
        return (
            f"{done.count} {one}, the longest {done.longest_s:g} s, for {', '.join(whom) or 'a prepared transaction'}"
        )


def _roots(waiting: list[Session], every: dict[str, Session]) -> list[str]:
    """Follow who blocks whom to those that wait for nobody; of a ring, which the server breaks itself, none is one."""
    found: dict[str, None] = {}
    for start in waiting:
        todo, met = list(start.blocked_by), set()
        while todo:
            name = todo.pop()
            if name in met or name not in every:
                continue
            met.add(name)
            if every[name].blocked_by:
                todo += every[name].blocked_by
            elif not every[name].prepared:
                found[name] = None
    return list(found)


def _seen(one: Session) -> SessionSeen:
    return SessionSeen(
        session=one.name, database=one.database, user=one.user, application=one.application, state=one.state,
        waits_s=round(one.waits_s, 1), transaction_s=round(one.transaction_s, 1), query=one.query,
        blocked_by=one.blocked_by,
    )  # fmt: skip
