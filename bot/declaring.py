"""The form to declare an incident: begun with what it comes from, and saying who is opening one already.

Belongs here: the view, its first values (a message, alerts that came in), the warning above it. Does not belong here:
what becomes of it when it is sent (commands/incident/declare.py). It opens without all of this where the database does
not answer at once: a form that opens late never opens.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from bot.render import modal
from bot.render.blocks import Block, cut, escape, section
from bot.render.facts import DOTS
from bot.render.forms import Origin
from commands import opening
from commands.fields import parse
from commands.house import House
from commands.incident.declare import Declare
from commands.places import visible
from commands.reading import plain
from commands.words import clock
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import incidents, triage
from storage.db import Tx, Unreachable
from storage.inbox import Ask
from storage.incidents import Incident
from storage.triage import Triage

WITHIN_S = 1.2  # of the three seconds a press lives
SHOWN = 4
TITLE_MOST = 150


@dataclass(frozen=True)
class Begun:
    """What the form begins with, and what is said above it."""

    given: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Declaring:
    """Makes the form. One instance per process."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def view(self, ask: Ask, origin: Origin) -> Block:
        """The modal. ask.values may hold `said`, the text of the message it comes from; it is not stored."""
        begun = Begun()
        with contextlib.suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                begun = await self._house.db.write(lambda tx: self._begun(tx, ask))
        given = dict(begun.given)
        if said := " ".join(plain(str(ask.values.get("said") or "")).split()):
            given.setdefault("title", cut(said, TITLE_MOST))
        return modal.view(
            Declare, origin, self._house.policy, given=given, notes=[section(note) for note in begun.notes]
        )

    def _begun(self, tx: Tx, ask: Ask) -> Begun:
        policy = self._house.policy
        card = self._card(tx, ask)
        given = {"title": card.title, "severity": card.severity or "", "service": card.service or ""} if card else {}
        notes = []
        if card and card.state in (*triage.TAKEN, "dismissed"):
            notes.append(f"⚠️ *{card.id}* was {card.state} already{f' as *{card.incident}*' if card.incident else ''}.")
        if also := opening.words(tx, opening.others(tx, ask.account)):
            notes.append(f"{also} If it is the same, let them and join in.")
        if going := self._open(tx, policy, ask, card):
            notes.append("\n".join(["Open already; if it is one of these, join it instead:", *going]))
        opening.begun(tx, ask.account)
        return Begun(given, tuple(notes))

    def _card(self, tx: Tx, ask: Ask) -> Triage | None:
        rest = ask.line.split(maxsplit=2)[2:]
        try:
            named = parse(_From, rest[0] if rest else "", policy=self._house.policy, now=tx.now)
        except Refused:
            return None
        return triage.get(tx, named.alerts) if named.alerts else None

    def _open(self, tx: Tx, policy: Policy, ask: Ask, card: Triage | None) -> list[str]:
        """What is open and may be known to this person; of the alerts' service first, then the newest."""
        actor = self._house.directory.actor(tx, ask.account_kind, ask.account, policy)
        found = [one for one in incidents.open_ones(tx) if visible(tx, policy, one, actor, ask.channel)]
        service = card.service if card else None
        found.sort(key=lambda one: (not (service and one.service == service), -one.number))
        return [_line(policy, one, tx) for one in found[:SHOWN]]


class _From(Declare):
    """The same words with nothing required: what a line says before its form is filled."""

    severity: str = ""
    title: str = ""


def _line(policy: Policy, one: Incident, tx: Tx) -> str:
    known = list(policy.severities)
    dot = DOTS[min(known.index(one.severity), 3)] if one.severity in known else "⚪"
    title = "restricted" if one.private else escape(cut(one.title, 80))
    where = f" · <#{one.channel}>" if one.channel else ""
    service = f" · {escape(one.service)}" if one.service else ""
    return f"{dot} *{one.id}* {title}{service} · since {clock(one.declared_at, tx.now)} UTC{where}"
