"""The one dispatch every door goes through: find the command, decide who asks and about what, act, answer, settle.

Belongs here: the order of these in one transaction, refusals and failures in words, the one catch-all of this floor.
Does not belong here: any verb (commands/<topic>), claiming asks and sending answers (bot).
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass, replace
from typing import Any

import structlog

from commands.command import TOPICS, Actor, Call, Command, Reply, load_commands
from commands.duties import Duties
from commands.fields import fields_of, parse
from commands.following import tell_followers
from commands.giving_up import give_up, waits
from commands.helping import suggestion
from commands.hooks import alerts as alerts_hook
from commands.hooks import directory as directory_hook
from commands.hooks import home as home_hook
from commands.hooks import journal as journal_hook
from commands.hooks import messages as messages_hook
from commands.hooks import pagerduty as pagerduty_hook
from commands.house import House
from commands.kinds import GREEDY
from commands.places import incident_for
from commands.reading import clean
from commands.timing import TIMERS, before_timer, named
from commands.words import clock, esc, joined, lasted, lines, mrkdwn, safe
from playbooks import step_up
from playbooks.durations import words as length_words
from playbooks.errors import MusterError, Refused
from playbooks.reading import nearest
from storage import inbox, people, replies, timeline
from storage.db import Tx, Unreachable
from storage.inbox import Ask
from storage.incidents import Impossible
from storage.timeline import ORG, Entry

log = structlog.get_logger(__name__)

ATTEMPTS = 3  # how often an ask that breaks us is tried before it is given up
_SPENT = re.compile(r"\bproof-[0-9a-f]{20}\b")  # the verdict on a code (bot/codes.py), judged before any handler
_NOTHING = re.compile(r"\b(nothing|nobody|no \w+) (of it )?(was|is done|has happened|changed)\b", re.IGNORECASE)
_LOOKS = ("Look", "Look before leaping")  # groups of commands that change nothing anyway
_CODE_SPENT = "The one-time code you gave is spent: take the next one that your app shows."
_LINE = re.compile(r"/?(\S*)\s*(\S*)\s*(.*)", re.DOTALL)


class NotAllowed(Refused):
    """The person may not ask for this, or is nobody we know: kept as an event of the `org` stream."""


class NotProven(NotAllowed):
    """A terminal's ask without a one-time code that is right: kept as an event too."""


class TooLate(NotAllowed):
    """A press that waited too long for us: kept as an event too, since every attempt to approve is one."""


class _FirstSight(Exception):
    """An account never seen: making it a person writes to the `org` stream, which is locked last. So: alone, before."""


class _Settled(Exception):
    """Somebody else has handled this ask: everything of this transaction is rolled back."""


@dataclass(frozen=True)
class _Found:
    """The command a line asks for. rest: the line without its words."""

    cls: type[Command]
    rest: str


class Dispatch:
    """Handles asks. One instance per process; safe to use for many asks at once."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.commands = load_commands()
        self.duties = Duties()

    async def handle(self, ask: Ask) -> Reply | None:
        """Handle one stored ask: its effect, its answer and its settling are one transaction.

        Returns the reply that was put into the outbox, None where there is none. Raises Unreachable when the database
        cannot be reached: the ask stays claimed and is taken up again.
        """
        try:
            return await self._answer(ask)
        except _FirstSight:
            await self.house.db.write(lambda tx: self.house.directory.see(tx, ask.account_kind, ask.account))
            return await self.handle(ask)
        except _Settled:
            return None
        except Unreachable:
            raise
        except (MusterError, Impossible) as error:
            no = error
            return await self.house.db.write(lambda tx: self._refused(tx, ask, no))
        except Exception as error:  # noqa: BLE001  the one catch-all of this floor
            return await self._broken(ask, error)

    async def _answer(self, ask: Ask) -> Reply | None:
        if ask.kind == "webhook":
            return await self._hook(ask)
        if ask.kind == "timer":
            await before_timer(self.house, ask)
            await self.house.db.write(lambda tx: self._timer(tx, ask))
            return None
        if ask.kind == "journal":
            return await self.house.db.write(lambda tx: self._imported(tx, ask))
        if ask.kind == "event" and not ask.line.strip():
            await self._news(ask)
            return None
        found = self.find(ask.line)
        await self.duties.look(self.house, found.cls)
        seen: Any = None
        if found.cls.before is not Command.before:
            command = await self.house.db.write(lambda tx: self._prepare(tx, ask, found)[0])
            seen = await command.before(ask, self.house)
        return await self.house.db.write(lambda tx: self._act(tx, ask, found, seen))

    # --- finding ----------------------------------------------------------------------------------------------------

    def find(self, line: str) -> _Found:
        """The command of a line; a topic alone is its help. Raises Refused with the nearest right word."""
        match = _LINE.match(clean(line).strip())
        topic, verb, rest = (match[1].lower(), match[2].lower(), match[3]) if match else ("", "", "")
        if topic not in TOPICS:
            best = nearest(topic, TOPICS) or TOPICS[0]
            if meant := next((f"{t} {topic}" for t in TOPICS if f"{t} {topic}" in self.commands), ""):
                raise Refused(f"There is no `/{topic}`. Did you mean `/{meant}`?", todo=f"`/{best} help` lists all.")
            raise Refused(
                f"There is no `/{topic}`. There are {joined([f'`/{t}`' for t in TOPICS])}.", todo=f"`/{best} help`"
            )
        if not verb:
            return _Found(self.commands[f"{topic} help"], "")
        if cls := self.commands.get(f"{topic} {verb}"):
            return _Found(cls, rest)
        close = suggestion(topic, verb)
        near = f" Did you mean {close}?" if close else ""
        raise Refused(f"There is no `/{topic} {verb}`.{near}", todo=f"`/{topic} help` lists all.")

    # --- inside the transaction -------------------------------------------------------------------------------------

    def _prepare(self, tx: Tx, ask: Ask, found: _Found) -> tuple[Command, Call]:
        """Read the line, decide who asks and about what. Raises Refused."""
        cls, house = found.cls, self.house
        if cls.fresh:
            self._fresh(tx, ask)
        if ask.account_kind == "slack" and people.account(tx, "slack", ask.account) is None:
            raise _FirstSight
        actor = house.directory.actor(tx, ask.account_kind, ask.account, house.policy)
        self._permit(tx, cls, actor)
        values = ask.values if ask.kind in ("form", "button", "cli") else None
        command = parse(cls, found.rest, policy=house.policy, now=tx.now, values=values)
        call = Call(ask, actor, tx, house)
        if cls.place != "nowhere":
            said = str(getattr(command, "incident", "") or "")
            greedy = any(field.arg.kind in GREEDY for field in fields_of(cls))
            call.incident = incident_for(
                tx, house.policy, actor, ask.channel, said=said, line=found.rest, greedy=greedy,
                must=cls.place == "incident", words=cls.words,
            )  # fmt: skip
        return command, call

    def _act(self, tx: Tx, ask: Ask, found: _Found, seen: Any) -> Reply:
        command, call = self._prepare(tx, ask, found)
        if ask.account_kind == people.CLI and not found.cls.proves:
            self._proved(call)
        before = call.incident
        reply = command.act(call, seen)
        tell_followers(call, before)
        spent = "" if reply.ok else _spent(ask)
        reply = reply.model_copy(update={"text": mrkdwn(lines(reply.text, spent))})
        return self._reply(tx, ask, reply, "done" if reply.ok else "refused")

    def _fresh(self, tx: Tx, ask: Ask) -> None:
        limit = self.house.policy.approvals.ask_max_age
        received = ask.received_at or tx.now
        age = tx.now - received
        if age > limit:
            raise TooLate(
                f"Too late: you asked at {received:%H:%M:%S} UTC, {lasted(age)} ago, and Muster could not look until "
                f"now (policy `approvals.ask_max_age`: {length_words(limit)}). Nothing was done.",
                todo="See how things stand now and press again.",
            )

    def _proved(self, call: Call) -> None:
        """Whoever asks from a terminal proves each time that it is they. Raises NotProven."""
        try:
            step_up.take(call.tx, call.person, str(call.ask.values.get("code") or ""), call.ask.key)
        except Refused as no:
            raise NotProven(no.message, todo=no.todo) from None

    def _permit(self, tx: Tx, cls: type[Command], actor: Actor) -> None:
        if cls.who == "anyone":
            return
        if actor.person is None:
            why = actor.why_not or "Muster does not know who you are."
            raise NotAllowed(f"{why} `/{cls.words}` is for full members of this workspace. Nothing was done.",
                             todo="Ask somebody who is one, or an administrator of Muster.")  # fmt: skip
        if cls.who == "everyone":
            return
        groups: tuple[str, ...] = getattr(self.house.policy.permissions, cls.who)
        if "everyone" in groups or actor.groups & set(groups):
            return
        named = joined([f"`@{group}`" for group in groups], "or") or "nobody (policy `permissions` names no group)"
        people = [member.name for group in groups for member in self.house.directory.members(tx, group)]
        some = f" Ask {joined(list(dict.fromkeys(people))[:4], 'or')}." if people else ""
        raise NotAllowed(f"`/{cls.words}` is for {named}. Nothing was done.{some}")

    # --- other askers -----------------------------------------------------------------------------------------------

    async def _news(self, ask: Ask) -> None:
        """What Slack tells that nobody typed: of messages on timelines, of people and groups."""
        kind = str(ask.values.get("event_type") or "")
        looked = await messages_hook.before(ask, self.house) if kind in messages_hook.EVENTS else None
        if kind == home_hook.EVENT:
            await self._seen(ask)
        elif kind not in messages_hook.EVENTS:
            await directory_hook.look(ask, self.house)

        def work(tx: Tx) -> None:
            messages_hook.act(tx, self.house, ask, looked)
            if kind == home_hook.EVENT:
                home_hook.opened(tx, ask.account)
            self._settle(tx, ask, "done")

        await self.house.db.write(work)
        if kind == home_hook.EVENT:
            await home_hook.after(ask, self.house)

    async def _seen(self, ask: Ask) -> None:
        """Know the account before anything is drawn for it."""
        if await self.house.db.read(lambda tx: people.account(tx, ask.account_kind, ask.account)) is None:
            raise _FirstSight

    async def _hook(self, ask: Ask) -> Reply | None:
        if ask.line != "alerts":
            await pagerduty_hook.before(ask, self.house)

        def work(tx: Tx) -> None:
            # Ours by its key, or an alert of somebody else's like any other.
            if ask.line == "alerts" or not pagerduty_hook.act(tx, self.house, ask):
                alerts_hook.act(tx, self.house, pagerduty_hook.as_alerts(ask))
            self._settle(tx, ask, "done")

        await self.house.db.write(work)
        return None

    def _imported(self, tx: Tx, ask: Ask) -> Reply:
        """A declare of the journal. What was done outside is on the record whoever asked; what was not, is refused."""
        if people.account(tx, "slack", ask.account) is None:
            raise _FirstSight
        actor = self.house.directory.actor(tx, ask.account_kind, ask.account, self.house.policy)
        if not journal_hook.made_effects(ask.values):
            if why := journal_hook.turned_away(ask.values):
                raise NotAllowed(f"`/incident declare`, without the database: {why} Nothing was done.")
            self._permit(tx, self.commands["incident declare"], actor)
        known = replace(actor, person=actor.person or actor.seen_as or "muster")
        reply = journal_hook.act(Call(ask, known, tx, self.house))
        return self._reply(tx, ask, reply.model_copy(update={"text": mrkdwn(reply.text)}), "done")

    def _timer(self, tx: Tx, ask: Ask) -> None:
        kind, subject = named(ask)
        if handler := TIMERS.get(kind):
            handler(tx, self.house, ask, subject)
        else:
            log.warning("timer.unknown", kind=kind)
        self._settle(tx, ask, "done")

    # --- endings ----------------------------------------------------------------------------------------------------

    def _settle(self, tx: Tx, ask: Ask, state: str, error: str | None = None) -> None:
        if not inbox.settle(tx, ask.key, state, error=error):
            raise _Settled

    def _reply(self, tx: Tx, ask: Ask, reply: Reply, state: str, error: str | None = None) -> Reply:
        if waits(ask) and reply.text:
            replies.add(
                tx, ask=ask.key, account_kind=ask.account_kind, account=ask.account, channel=ask.channel,
                body=reply.model_dump(mode="json"),
            )  # fmt: skip
        self._settle(tx, ask, state, error)
        return reply

    def _refused(self, tx: Tx, ask: Ask, no: MusterError | Impossible) -> Reply | None:
        """Nothing of the command was kept; the refusal itself is."""
        text = safe(self._refusal(ask, no))
        try:
            reply = self._reply(tx, ask, Reply(text=text, ok=False), "refused", type(no).__name__)
        except _Settled:
            return None
        if isinstance(no, NotAllowed):
            actor = self.house.directory.actor(tx, ask.account_kind, ask.account, self.house.policy)
            body = {"command": " ".join(ask.line.split()[:2]), "person": actor.person, "seen_as": actor.seen_as,
                    "kind": ask.account_kind, "via": ask.via}  # fmt: skip
            texts = {"account": ask.account, "why": no.message}
            timeline.append(tx, ORG, Entry("access.refused", actor.person or "muster", body, texts))
        return reply

    def _refusal(self, ask: Ask, no: MusterError | Impossible) -> str:
        """What was wrong, that nothing happened, what to do instead, and whether a one-time code is spent."""
        message, todo = no.message, no.todo
        try:
            cls = self.find(ask.line).cls
        except Refused:
            cls = None
        looks = cls is not None and cls.group in _LOOKS
        if isinstance(no, Refused | Impossible) and not looks and not _NOTHING.search(f"{message} {todo}"):
            message = f"{message} Nothing was done."
        if cls is not None and not todo and "`/" not in message and not isinstance(no, NotAllowed):
            topic, _, verb = cls.words.partition(" ")
            todo = f"`/{topic} help {verb}` says how it is used."
        return lines(message, todo, _spent(ask))

    async def _broken(self, ask: Ask, error: Exception) -> Reply | None:
        """A fault of ours: try again later, and after the last attempt say what happened, what did not, what to do."""
        attempt = max(1, ask.attempts)  # the worker counts its claim in; who hands an ask over directly counts none
        # Where, never the message: what broke may hold a secret or what people typed.
        where = "".join(traceback.format_tb(error.__traceback__)[-4:])
        log.error("ask.broken", key=ask.key, kind=ask.kind, attempt=attempt, error=type(error).__name__, where=where)
        if attempt < ATTEMPTS:
            await self.house.db.write(lambda tx: inbox.release(tx, ask.key))
            return None
        what = type(error).__name__
        reply = Reply(text=self._broken_words(ask, what), ok=False)

        def work(tx: Tx) -> Reply | None:
            try:
                self._reply(tx, ask, reply, "dead", what)
            except _Settled:
                return None
            if not waits(ask):
                give_up(tx, self.house.policy, ask, what)
            return reply

        return await self.house.db.write(work)

    def _broken_words(self, ask: Ask, what: str) -> str:
        asked = safe(" ".join(ask.line.split()[:2]))
        tried = f", tried {ask.attempts} times" if ask.attempts > 1 else ""
        at = f" at {clock(ask.received_at)} UTC" if ask.received_at else ""
        try:
            by_hand = self.find(ask.line).cls.by_hand(self.house.policy)
        except Refused:
            by_hand = ""
        return lines(
            f"⚠️ `/{asked}`{at} broke inside Muster ({what}{tried}). *Nothing of it was done*; it was rolled back.",
            by_hand,
            _spent(ask),
            f"Try once more; if it breaks again, whoever runs Muster finds it in the log under `{esc(ask.key)}`.",
        )


def _spent(ask: Ask) -> str:
    """That the one-time code of this ask was right, and so cannot be given again; "" where there is none."""
    given = f"{ask.line} {' '.join(map(str, ask.values.values()))}"
    return _CODE_SPENT if _SPENT.search(given) else ""
