"""The forms of `/playbook run` and `/playbook plan`: when they open, what they begin with, what is wrong when sent.

Belongs here: finding the playbook, the channel's incident and what may be chosen (one read at most). Does not belong
here: how they look (render/running.py), whether the run may be asked for (it comes back as an ask).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.render import running
from bot.render.blocks import Block, cut
from bot.render.forms import Origin
from commands.fields import INPUTS, parse
from commands.house import House
from commands.places import visible
from commands.playbook.run import Run
from commands.reading import quote
from playbooks.engine.inputs import read_input, service_input
from playbooks.engine.model import Input, Playbook
from playbooks.errors import Refused
from storage import incidents
from storage.db import Tx, Unreachable
from storage.inbox import Ask
from storage.incidents import Incident

WORDS = ("playbook run", "playbook plan")
WITHIN_S = 1.2  # of the three seconds a press lives
OFFERED = 30


@dataclass(frozen=True)
class _Said:
    """What a line says before its form is filled."""

    playbook: Playbook | None
    inputs: Mapping[str, str]
    incident: str


class Running:
    """Makes and checks both forms. One instance per process."""

    def __init__(self, house: House) -> None:
        self._house = house

    def wants(self, ask: Ask) -> bool:
        """Whether a typed line names a playbook and leaves out what only a form can ask well.

        A service alone is not that: an incident has one, and the refusal names those there are.
        """
        said = self._said(ask.line)
        if said is None or said.playbook is None:
            return False
        lacking = [one for one in said.playbook.inputs if one.required and one.name not in said.inputs]
        return any(one.type != "service" for one in lacking)

    def leads(self, ask: Ask) -> str:
        """After the choice of a playbook: the line whose form comes next; "" where the form is complete."""
        chosen = str(ask.values.get("playbook") or "")
        words = _words(ask.line)
        if not words or not self._house.library.has(chosen):
            return ""
        said = self._said(ask.line)
        try:
            return f"{words} {self._house.library.find(chosen).name}{_named(said)}"
        except Refused:
            return ""

    async def view(self, ask: Ask, origin: Origin) -> Block:
        """The form the line is at: which playbook, or what it asks for."""
        words = _words(ask.line)
        said = self._said(ask.line)
        if said is None or said.playbook is None:
            titles = await asyncio.to_thread(self._house.library.titles)
            return running.chooser(words, titles, replace(origin, line=f"{words}{_named(said)}"))
        here: Incident | None = None
        others: list[Incident] = []
        with contextlib.suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                here, others = await self._house.db.read(lambda tx: self._around(tx, ask, said))
        given = dict(said.inputs)
        wanted = service_input(said.playbook)
        if wanted and here and here.service:
            given.setdefault(wanted, here.service)
        line = f"{words} {quote(said.playbook.name)}{_named(said)}"
        offered = [(one.id, f"{one.id} {'restricted' if one.private else cut(one.title, 60)}") for one in others]
        return running.inputs(words, said.playbook, self._house.policy, replace(origin, line=line), given, offered)

    async def errors(self, ask: Ask) -> dict[str, str]:
        """What is wrong in a sent form: field (as it travels) -> words."""
        said = self._said(ask.line)
        if said is None or said.playbook is None:
            return {}
        now = datetime.now(UTC)  # only to read 14:05; what is kept is read again inside the transaction
        found: dict[str, str] = {}
        for item in said.playbook.inputs:
            name = f"{INPUTS}{item.name}"
            if why := self._wrong(item, str(ask.values.get(name) or "").strip(), said, now):
                found[name] = why
        return found

    def _wrong(self, item: Input, value: str, said: _Said, now: datetime) -> str:
        if not value:
            needed = item.required and item.name not in said.inputs and item.type != "service"
            return "It cannot run without this." if needed else ""
        try:
            read_input(item, value, self._house.policy, now)
        except (ValueError, Refused) as error:
            words = (error.message if isinstance(error, Refused) else str(error)).replace("*", "")
            return words if words.endswith((".", "?")) else f"{words}."
        return ""

    def _said(self, line: str) -> _Said | None:
        """What the line says; None where it cannot be read (the answer to the ask says why)."""
        words = _words(line)
        rest = line.strip()[len(words) :] if words else ""
        try:
            found = parse(_Begun, rest, policy=self._house.policy, now=datetime.now(UTC))
            # A name there is not would be compared with all there are, which takes seconds: the answer does that.
            library = self._house.library
            if found.playbook and not library.has(found.playbook):
                return None
            book = library.find(found.playbook) if found.playbook else None
        except Refused:
            return None
        return _Said(book, dict(found.inputs), found.incident)

    def _around(self, tx: Tx, ask: Ask, said: _Said) -> tuple[Incident | None, list[Incident]]:
        """The incident it is about; and, where there is none, those this person may choose from, the newest first."""
        here = incidents.get(tx, said.incident) if said.incident else None
        here = here or (incidents.by_channel(tx, ask.channel) if ask.channel else None)
        policy = self._house.policy
        actor = self._house.directory.actor(tx, ask.account_kind, ask.account, policy)
        if here is not None:  # of one they may not know of, the form says what it says of one that is not there
            return (here, []) if visible(tx, policy, here, actor, ask.channel) else (None, [])
        if said.incident:
            return None, []
        known = [one for one in incidents.open_ones(tx) if visible(tx, policy, one, actor, ask.channel)]
        return None, sorted(known, key=lambda one: -one.number)[:OFFERED]


class _Begun(Run):
    """The same words with nothing required."""

    playbook: str = ""


def _named(said: _Said | None) -> str:
    """The incident a line names, as it goes on in the next line."""
    return f" incident={said.incident}" if said and said.incident else ""


def _words(line: str) -> str:
    """The command a line begins with, or ""."""
    said = " ".join(line.lstrip("/ ").lower().split()[:2])
    return said if said in WORDS else ""
