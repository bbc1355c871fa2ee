"""A stage on which one line is played again and again from the same moment: the record is put back before each play.

Doors, dispatch, worker, sender and the sandbox's Slack are the real ones; engine, clock and projector rest, so that what
a play leaves behind is what its command did and nothing else. `Trouble` strikes the transaction that settles an ask.
Belongs here: putting back, striking, and looking afterwards. Does not belong here: any line (every_command.py), what
must come out (test_failures_commands.py).
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import URL, func, inspect, select, text
from sqlalchemy.engine import make_url

from bot.app import App
from bot.worker import Worker
from storage import inbox
from storage.db import Database, Tx, Unreachable
from storage.tables import events, replies
from storage.tables import inbox as asks
from tests.library.outside import AGAIN

ENDED = ("done", "refused", "dead")
# Not what a command decides: the ask and its answer (looked at by themselves), who is alive, what Slack says of people.
BESIDE = {"inbox", "replies", "leases", "replicas", "refreshes", "accounts", "memberships", "oncall", "alembic_version"}
_MOMENTS = re.compile(r"sha256:\S+|[0-9a-f]{8,}|\d\d:\d\d(:\d\d)?|[\d.]+ (ms|s|min|h)\b|less than a second|reply-\w+")
DIRECT = "@{}"


class Trouble:
    """What befalls the transactions that settle an ask, one after the other.

    broken: the handler raises at its very end. gone: the database is cut off before the commit. lost: after it.
    """

    def __init__(self, db: Database) -> None:
        self.plan: list[str] = []
        self._write = db.write
        db.write = self.write  # type: ignore[method-assign]

    async def write(self, work: Callable[[Tx], Any], *, door: bool = False) -> Any:
        """As `Database.write`."""
        met: list[str] = []

        def struck(tx: Tx) -> Any:
            before = _settled(tx) if self.plan else 0
            result = work(tx)
            if self.plan and _settled(tx) > before:
                met.append(self.plan.pop(0))
                if met == ["broken"]:
                    raise ZeroDivisionError("planted words")
                if met == ["gone"]:
                    raise Unreachable("cut before the commit")
            return result

        result = await self._write(struck, door=door)
        if met == ["lost"]:
            raise Unreachable("cut after the commit")
        return result


def _settled(tx: Tx) -> int:
    query = select(func.count()).select_from(asks).where(asks.c.state.in_(ENDED))
    return int(tx.conn.execute(query).scalar_one())


@dataclass
class Outcome:
    """What one play left behind. said: what the person saw, in order; places: where; shape, rows: the record;
    states: of its asks; outbox: (who, route) of every answer to anybody; warned: who was told that something failed."""

    said: list[str]
    places: set[str]
    shape: dict[str, Any]
    rows: dict[str, Any]
    states: list[str]
    outbox: list[tuple[str, str | None]]
    warned: list[str]


@dataclass
class Stage:
    """One app, one moment. back: puts the record back to it."""

    town: Any
    app: App
    trouble: Trouble
    back: Callable[[], None]
    before: set[str] = field(default_factory=set)  # the asks of the moment
    untold: set[str] = field(default_factory=set)  # and its answers
    since: str = ""  # ts of the moment's last message

    async def rewind(self, first: str = "") -> None:
        """Everything is as it was; first: a statement that makes the moment fit what comes."""
        self.trouble.plan = []
        self.town.sandbox.faults.clear()
        await asyncio.to_thread(self.back)
        await self.begin(first)

    async def begin(self, first: str = "") -> None:
        """What comes from now on is the play's."""

        def begin(tx: Tx) -> tuple[set[str], set[str]]:
            if first:
                tx.conn.execute(text(first))
            return set(tx.conn.execute(select(asks.c.key)).scalars()), set(
                tx.conn.execute(select(replies.c.id)).scalars()
            )

        self.before, self.untold = await self.app.db.write(begin)
        self.since = self.town.sandbox.world.ts()

    async def settled(self) -> None:
        """Wait until every ask of the play has ended and every answer is out."""
        self.app.worker.wake()
        async with asyncio.timeout(30):
            turn = 0
            while not await self.app.db.read(self._over):
                await asyncio.sleep(0.02)
                turn += 1
                if turn % 5 == 0:  # what waits to be tried again is not on anybody's hint
                    self.app.sender.wake()
                    self.app.worker.wake()
        await self.app.sender.settle()

    def _over(self, tx: Tx) -> bool:
        states = self._states(tx)
        waiting = select(func.count()).where(replies.c.state == "waiting")
        return bool(states) and set(states) <= set(ENDED) and not tx.conn.execute(waiting).scalar_one()

    def _states(self, tx: Tx) -> list[str]:
        rows = tx.conn.execute(select(asks.c.key, asks.c.state).order_by(asks.c.received_at)).all()
        return [str(row.state) for row in rows if row.key not in self.before]

    async def outcome(self, user: str, channel: str) -> Outcome:
        """What the play left behind."""
        said: list[str] = []
        places: set[str] = set()
        for place in (channel, DIRECT.format(user)):
            for message in await self.shown(place, user):
                if message.ts > self.since:
                    said.append(masked(message.plain))
                    places.add("direct" if place.startswith("@") else "here")

        def look(tx: Tx) -> Outcome:
            outbox = [row for row in tx.conn.execute(select(replies)).mappings() if row["id"] not in self.untold]
            return Outcome(
                said, places, shape_of(tx), rows_of(tx), self._states(tx),
                sorted(((str(row["account"]), row["route"]) for row in outbox), key=repr),
                [str(row["account"]) for row in outbox if row["route"] and not row["body"]["ok"]],
            )  # fmt: skip

        return await self.app.db.read(look)

    async def shown(self, place: str, user: str) -> list[Any]:
        """What this person alone sees there."""
        if place.startswith("@") and place[1:] not in self.town.sandbox.world.users:
            return []
        found = await self.town.sb.messages(place, user)
        return [m for m in found if place.startswith("@") or m.ephemeral_for == user]

    # --- what may befall the process --------------------------------------------------------------------------------

    async def die(self) -> None:
        """No worker takes anything; whatever is stored now is claimed by a process that is killed with it in hand."""
        await self.app.worker.stop(grace_s=5.0)

    async def rise(self) -> None:
        """The claim of the one that died runs out, and the next process's worker begins."""
        await self.app.db.write(lambda tx: inbox.claim(tx, "killed", lease_s=-1.0))
        await self.next_worker()

    async def next_worker(self) -> None:
        """The next process's worker begins."""
        app = self.app
        app.worker = Worker(app.db, app.dispatch, app.policy, app.metrics, owner="next", looks=app.directory)
        await app.worker.start()


def masked(said: str) -> str:
    """Words without what differs from one moment to the next."""
    return AGAIN.sub("~", _MOMENTS.sub("~", said))


def shape_of(tx: Tx) -> dict[str, Any]:
    """What happened, without what is random: every event in order, and how many rows there are in which state."""
    order = select(events.c.stream, events.c.seq, events.c.type, events.c.actor).order_by(events.c.stream, events.c.seq)
    found: dict[str, Any] = {"events": [tuple(row) for row in tx.conn.execute(order)]}
    for name, rows in rows_of(tx).items():
        if name != "events":
            found[name] = Counter((row.get("kind"), row.get("state")) for row in rows)
    return found


def told_apart(one: dict[str, Any], other: dict[str, Any]) -> str:
    """What differs between two records, table by table."""
    apart = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return "\n".join(f"{name}: {_only(one.get(name), other.get(name))}" for name in apart)


def _only(one: Any, other: Any) -> str:
    if isinstance(one, list) and isinstance(other, list):
        return f"{[x for x in one if x not in other]} instead of {[x for x in other if x not in one]}"
    return f"{one} instead of {other}"


def rows_of(tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """All rows of what a command may change."""
    names = [name for name in inspect(tx.conn).get_table_names() if name not in BESIDE]
    found = {name: tx.conn.execute(text(f'SELECT * FROM "{name}"')).mappings().all() for name in sorted(names)}
    return {name: sorted(map(dict, rows), key=repr) for name, rows in found.items()}


def keeper(url: str) -> Callable[[], None]:
    """Keep a database as it is now; the answer puts it back, under whoever has it open."""
    found = make_url(url)
    return _sqlite(str(found.database)) if found.get_backend_name() == "sqlite" else _postgresql(url)


def _sqlite(path: str) -> Callable[[], None]:
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(sqlite3.connect(path)) as now:
        now.backup(kept)

    def back() -> None:
        with closing(sqlite3.connect(path, timeout=10.0)) as there:
            kept.backup(there)

    return back


AWAY = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"


def _postgresql(url: str) -> Callable[[], None]:
    there = make_url(url)
    name = str(there.database)
    on_server(there, AWAY.format(name), f'CREATE DATABASE "{name}_kept" TEMPLATE "{name}"')

    def back() -> None:
        on_server(there, f'DROP DATABASE "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{name}_kept"')

    return back


def on_server(server: URL, *statements: str) -> None:
    """Run statements beside all databases of a PostgreSQL server."""
    control = server.set(database="postgres", drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(control, autocommit=True) as line:
        for statement in statements:
            line.execute(statement.encode())
