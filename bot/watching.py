"""`muster watch INC-42`: an incident as it goes on, in a terminal, over the database alone; also while Slack is down.

Belongs here: looking every second, what is new, when it is over. Does not belong here: how it looks
(render/watching.py), asking for anything (`muster say`): it only reads.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live

from bot.render import watching
from bot.render.watching import Scene
from bot.settings import Settings
from playbooks.errors import Refused
from playbooks.policy import Policy, load_policy
from storage import incidents, timeline
from storage.db import Database, Tx, Unreachable
from storage.incidents import Incident

EVERY_S = 1.0
OVER_S = 30.0  # how long what the end itself started (telling people, the draft) is waited for
GONE_S = 60.0  # how long the database may not answer before this gives up


@dataclass(frozen=True)
class How:
    """once: look once and end. as_json: events as JSON lines, as they were hashed. every_s: seconds between looks."""

    once: bool = False
    as_json: bool = False
    every_s: float = EVERY_S


async def watch(settings: Settings, what: str, how: How, console: Console | None = None) -> int:
    """Show it until it has ended (0). 1 where there is no such incident or no database; 130 on Ctrl-C."""
    policy = load_policy(settings.muster_config)
    out = console or Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    async with Database(settings.database_url) as db:
        id = await db.read(lambda tx: _meant(tx, what))
        if how.as_json:
            return await _Watch(db, id, how).run(lambda tx, after: _raw(tx, id, after), out)
        if how.once or not out.is_terminal:
            return await _plain(db, id, how, policy, settings.url, out)
        return await _live(db, id, how, policy, settings.url, out)


def _meant(tx: Tx, what: str) -> str:
    """The incident named, or the only one that is open. Raises Refused."""
    said = what.strip().upper()
    open_ = incidents.open_ones(tx)
    if not said:
        if len(open_) == 1:
            return open_[0].id
        named = ", ".join(one.id for one in open_[:8]) or "none"
        raise Refused("Which incident?", todo=f"Open now: {named}. For example `muster watch INC-42`.")
    found = incidents.get(tx, said if said.startswith("INC-") else f"INC-{said}")
    if found is None:
        named = ", ".join(one.id for one in open_[:8]) or "none"
        raise Refused(f"There is no incident {what.strip()} in this database.", todo=f"Open now: {named}.")
    return found.id


# --- events, line by line -----------------------------------------------------------------------------------------


def _raw(tx: Tx, id: str, after: int) -> list[tuple[int, str]]:
    if timeline.head(tx, id).seq <= after:
        return []
    rows = (row for row in timeline.raw(tx, id) if int(row["seq"]) > after)
    return [(int(row["seq"]), json.dumps(dict(row), ensure_ascii=False, sort_keys=True)) for row in rows]


class _Watch:
    """Writes what is new, line by line, until the incident is over."""

    def __init__(self, db: Database, id: str, how: How) -> None:
        self._db, self._id, self._how = db, id, how
        self._after = 0

    async def run(self, lines: Callable[[Tx, int], list[tuple[int, Any]]], out: Console) -> int:
        """lines: what is new behind an event's number, each with its own."""
        ended, looked = _Ended(), _Looked(self._how.every_s)
        while True:
            found = await looked.at(self._db, lambda tx: (lines(tx, self._after), _stands(tx, self._id)))
            if found is not None:
                new, stands = found
                for seq, line in new:
                    self._after = seq
                    if isinstance(line, str):
                        out.file.write(f"{line}\n")
                    else:
                        out.print(line)
                out.file.flush()
                if self._how.once or ended.over(stands, bool(new)):
                    return 0
            await asyncio.sleep(self._how.every_s)


async def _plain(db: Database, id: str, how: How, policy: Policy, url: str, out: Console) -> int:
    """Not a terminal, or one look: how it stands, then each event on a line of its own."""
    if how.once:
        scene = await db.read(lambda tx: watching.read(tx, id, policy, url))
        out.print(watching.above(scene), soft_wrap=False)  # frames need a width; an event's line stays one line
        out.print(watching.newest(scene))
        return 0
    return await _Watch(db, id, how).run(lambda tx, after: watching.lines(tx, id, after), out)


# --- the whole screen -----------------------------------------------------------------------------------------------


async def _live(db: Database, id: str, how: How, policy: Policy, url: str, out: Console) -> int:
    ended, looked, seen = _Ended(), _Looked(how.every_s), 0
    scene: Scene | None = None
    with Live(console=out, auto_refresh=False, screen=False, vertical_overflow="crop") as live:
        while True:
            found = await looked.at(db, lambda tx: (watching.read(tx, id, policy, url), _stands(tx, id)))
            if found is not None:
                scene, stands = found
                live.update(watching.draw(scene, out), refresh=True)
                if ended.over(stands, scene.last > seen):
                    break
                seen = scene.last
            await asyncio.sleep(how.every_s)
    return 0


@dataclass(frozen=True)
class _Stands:
    """open: the incident is; busy: runs of it have not ended."""

    open: bool
    busy: bool


def _stands(tx: Tx, id: str) -> _Stands:
    found: Incident | None = incidents.get(tx, id)
    return _Stands(found is not None and found.open, watching.busy(tx, id))


class _Ended:
    """Knows when it is over: the incident has ended, and what its end started has too, or is waited for long enough."""

    def __init__(self) -> None:
        self._since: float | None = None

    def over(self, stands: _Stands, news: bool) -> bool:
        """Whether to stop looking."""
        if stands.open:
            self._since = None
            return False
        now = asyncio.get_running_loop().time()
        self._since = self._since or now
        return (not stands.busy and not news) or now - self._since > OVER_S


class _Looked:
    """Looks at the database, and goes on when it does not answer for a while: then is when people watch."""

    def __init__(self, every_s: float) -> None:
        self._every_s, self._gone_at = every_s, 0.0

    async def at(self, db: Database, work: Callable[[Tx], Any]) -> Any:
        """What was read, or None while the database does not answer. Raises Unreachable after a minute of that."""
        now = asyncio.get_running_loop().time()
        try:
            found = await db.read(work)
        except Unreachable:
            self._gone_at = self._gone_at or now
            if now - self._gone_at > GONE_S:
                raise
            return None
        self._gone_at = 0.0
        return found
