"""Blind mode: the database does not answer, and somebody declares an incident. Page, tell, say so, keep a journal.

Only `/incident declare` works blind: waking people and telling people does no harm twice, everything else needs the
record. Each effect goes through the same connectors as a step, and is in the journal, on the disk, before and after it.

Belongs here: those two effects and their answers. Does not belong here: the file (storage/journal.py), bringing it into
the database (bot/importing.py), what an incident is (commands/incident/declare.py).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from bot import words
from bot.cards import EVENT
from bot.places import Places
from bot.tasks import Tasks
from commands.command import Command
from commands.fields import parse
from commands.incident.declare import Declare
from playbooks.connectors.pagerduty import PagerDuty
from playbooks.connectors.slack import Slack
from playbooks.errors import MusterError, NotConfigured, Refused, Temporary, Uncertain
from playbooks.policy import Policy, Severity
from storage.inbox import Ask
from storage.journal import Journal

log = structlog.get_logger(__name__)
TRY_FOR_S = 60.0
LONGEST_WAIT_S = 10.0
LOOK_S = 2.0
SEEN_MOST = 500
WORDS = 2  # "incident declare"
Act = Callable[[], Awaitable[dict[str, Any]]]
Route = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Outcome:
    """What became of an effect. state: done, failed, unknown, or "" for one that was not wanted."""

    state: str = ""
    why: str = ""
    where: str = ""


class Blind:
    """One process's blind mode. home: the home workspace's id, "" while unknown. pagerduty None: nobody is paged."""

    def __init__(
        self, journal: Journal, slack: Slack, pagerduty: PagerDuty | None, policy: Policy, home: Callable[[], str]
    ) -> None:
        self.journal = journal
        self._slack = slack
        self._pagerduty = pagerduty
        self.policy = policy
        self._home = home
        self._places = Places(slack)
        self._tasks = Tasks("blind")
        self._taken: OrderedDict[str, str] = OrderedDict()
        self.busy: set[str] = set()
        self.declared = asyncio.Event()

    async def instead(self, ask: Ask) -> tuple[str, bool]:
        """(words for somebody whose ask could not be stored, whether it is done blind all the same)."""
        said = f"/{ask.line}" if ask.kind in ("command", "form") else ask.line
        if ask.account_kind != "slack" or " ".join(ask.line.lower().split()[:WORDS]) != Declare.words:
            return words.not_stored(self.policy, said), False
        if ask.key in self._taken:
            return self._taken[ask.key], True  # Slack delivered it again
        try:
            wanted = self._read(ask)
        except Refused as error:
            return words.not_declared(self.policy, str(error)), False
        severity = self.policy.severity(wanted.severity)
        try:
            await self._note("declared", ask.key, _declared(ask, wanted))
        except OSError as error:
            log.error("blind.no_journal", error=type(error).__name__)
            return words.no_journal(self.policy, said), False
        self.busy.add(ask.key)
        self.declared.set()
        self._tasks.start(self._act(ask, wanted, severity))
        pages = severity.page_within is not None
        self._taken[ask.key] = words.blind(self.policy, pages=pages, private=_private(wanted))
        if len(self._taken) > SEEN_MOST:
            self._taken.popitem(last=False)
        return self._taken[ask.key], True

    async def close(self, within_s: float = 5.0) -> None:
        """Let pages and messages that are on their way get there."""
        await self._tasks.finish(within_s)

    def _read(self, ask: Ask) -> Declare:
        rest = ask.line.split(maxsplit=WORDS)[WORDS:]
        values = ask.values if ask.kind == "form" else None
        now = datetime.now(UTC)  # the database's clock is not to be had; a declare holds no time
        return parse(Declare, rest[0] if rest else "", policy=self.policy, now=now, values=values)

    async def _note(self, type: str, declare: str, body: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self.journal.write, type, declare, body)

    # --- the effects --------------------------------------------------------------------------------------------------

    async def _act(self, ask: Ask, wanted: Declare, severity: Severity) -> None:
        """Page and tell at the same time, then tell the person what came of it."""
        try:
            if why := await self._why_not(ask):
                await self._note("refused", ask.key, {"error": why})
                await self._answer(ask, words.blind_refused(why))
                return
            page = self._page(ask, wanted, severity) if severity.page_within is not None else _nothing()
            tell = self._tell(ask, wanted, severity) if not _private(wanted) else _nothing()
            paged, told = await asyncio.gather(page, tell)
            said = words.blind_done(self.policy, wanted.service, page=paged.state, page_why=paged.why,
                                    told=told.state, told_why=told.why, channel=told.where)  # fmt: skip
            await self._answer(ask, said)
        except OSError as error:
            log.critical("blind.journal_lost", error=type(error).__name__)
            await self._answer(ask, words.no_journal(self.policy, f"/{ask.line}"))
        finally:
            self.busy.discard(ask.key)
            self.declared.set()

    async def _why_not(self, ask: Ask) -> str:
        """Why this account may not declare, as far as Slack says so now. Where it does not, people are woken."""
        team, _, user = ask.account.rpartition("/")
        if (home := self._home()) and team != home:
            return "it is for full members of this workspace."
        groups = self.policy.permissions.declare
        handles = [self.policy.groups[name].slack for name in groups if name in self.policy.groups]
        try:
            async with asyncio.timeout(LOOK_S):
                found = await self._slack.user(user)
                if found.deleted or found.is_bot or found.is_guest or found.is_stranger:
                    return "it is for full members of this workspace."
                if "everyone" in groups or not all(handles):
                    return ""
                members = [await self._slack.usergroup_members(one, max_age_s=900.0) for one in handles if one]
        except (MusterError, TimeoutError):
            return ""
        return "" if any(user in one for one in members) else f"it is for {', '.join(f'@{name}' for name in groups)}."

    async def _page(self, ask: Ask, wanted: Declare, severity: Severity) -> Outcome:
        key = page_key(ask.key)
        service = self.policy.services.get(wanted.service)
        summary = (
            f"{severity.name} · {'restricted' if _private(wanted) else wanted.title} (declared without the database)"
        )

        async def page() -> dict[str, Any]:
            if self._pagerduty is None:
                raise NotConfigured("PagerDuty is not configured here.")
            details = {"severity": severity.name, "declared": "blind: Muster's database does not answer"}
            await self._pagerduty.trigger(
                key, summary, severity=severity.pagerduty.severity, details=details,
                routing_key=service.pagerduty.routing_key if service else None,
            )  # fmt: skip
            return {}

        return await self._effect("page", ask.key, {"key": key}, page, repeat=True)

    async def _tell(self, ask: Ask, wanted: Declare, severity: Severity) -> Outcome:
        """Post where incidents are announced; the announcement card takes this message over when it is imported."""
        key = _short(f"tell:{ask.key}")
        channel = self.policy.organisation.slack.announce
        try:
            channel = await self._places.id_of(channel)
        except MusterError as error:
            log.warning("blind.channel_unknown", error=error.message)
        who = ask.account.rpartition("/")[2]
        text = words.blind_announced(self.policy, severity.name, wanted.title, wanted.service, who)
        metadata = {"event_type": EVENT, "event_payload": {"key": key, "kind": "announcement"}}

        async def post() -> dict[str, Any]:
            return asdict(await self._slack.post(channel, text, metadata=metadata))

        return await self._effect("tell", ask.key, {"key": key, "channel": channel}, post, repeat=False)

    async def _effect(self, name: str, declare: str, body: dict[str, Any], act: Act, *, repeat: bool) -> Outcome:
        """The journal before, the effect, the journal after. repeat: the outside removes doubles by our key."""
        await self._note(f"{name}.started", declare, body)
        loop = asyncio.get_running_loop()
        end, wait = loop.time() + TRY_FOR_S, 0.5
        while True:
            try:
                done = {**body, **await act()}
            except MusterError as error:
                again = isinstance(error, Temporary) or (repeat and isinstance(error, Uncertain))
                if again and loop.time() + wait < end:
                    pause = error.retry_after if isinstance(error, Temporary) and error.retry_after else wait
                    await asyncio.sleep(min(pause, LONGEST_WAIT_S))
                    wait = min(wait * 2, LONGEST_WAIT_S)
                    continue
                outcome = Outcome("unknown" if isinstance(error, Uncertain) else "failed", error.message)
                await self._note(f"{name}.{outcome.state}", declare, {**body, "error": error.message})
                return outcome
            await self._note(f"{name}.done", declare, done)
            return Outcome("done", where=str(done.get("channel") or ""))

    async def _answer(self, ask: Ask, text: str) -> None:
        """By the first route that works; the outbox is a table."""
        user = ask.account.rpartition("/")[2]
        for route in self._routes(ask, user, text):
            try:
                await route()
                return
            except MusterError as error:
                log.warning("blind.not_told", error=error.message)

    def _routes(self, ask: Ask, user: str, text: str) -> Iterator[Route]:
        if url := ask.response_url:
            yield lambda: self._slack.respond(url, text)
        if channel := ask.channel:
            yield lambda: self._slack.ephemeral(channel, user, text)
        yield lambda: self._slack.direct_message(user, text)


async def _nothing() -> Outcome:
    return Outcome()


def _private(wanted: Declare) -> bool:
    return wanted.type == "security"


def _declared(ask: Ask, wanted: Command) -> dict[str, Any]:
    """What the import needs. Not the response_url: it is a credential, and old by then."""
    kept = ("key", "kind", "line", "account_kind", "account", "via", "team", "channel", "message_ts")
    return {"ask": {name: getattr(ask, name) for name in kept} | {"values": dict(ask.values)}, **wanted.model_dump()}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def page_key(ask: str) -> str:
    """The page's dedup key: the same on every replica for one ask, kept on the incident when it is imported."""
    return f"muster/blind/{_short(ask)}"
