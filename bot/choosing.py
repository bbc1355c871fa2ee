"""The forms of commands that name one of what is there: another incident, or a reminder to put off.

Belongs here: what there is to choose from, as this person may know it. Does not belong here: what the command does
with it (commands/incident/), what a field of a form looks like (render/modal.py). Where the database does not answer at
once, or there is nothing to choose from, it is typed: a form that opens late never opens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType

from bot.render import modal
from bot.render.blocks import Block, cut
from bot.render.forms import Origin
from commands import nudging
from commands.command import Command
from commands.house import House
from commands.kinds import NONE
from commands.places import bare, visible
from storage import incidents, standing
from storage.db import Tx, Unreachable
from storage.inbox import Ask
from storage.incidents import Incident

WITHIN_S = 1.2  # of the three seconds a press lives
MOST = 50
RECENT = 60
# Command -> the field that is chosen.
CHOSEN: Mapping[str, str] = MappingProxyType(
    {"incident merge": "duplicate", "incident parent": "parent", "incident related": "other",
     "incident snooze": "subject"}
)  # fmt: skip
Choices = list[tuple[str, str]]  # (value, label)


class Choosing:
    """Makes those forms. One instance per process."""

    def __init__(self, house: House, commands: Mapping[str, type[Command]]) -> None:
        self._house = house
        self._commands = commands

    async def view(self, ask: Ask, origin: Origin) -> Block:
        """The modal of the command, with a list in the place of what would be typed."""
        words = " ".join(ask.line.split()[:2]).lower()
        found: Choices = []
        with contextlib.suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                found = await self._house.db.write(lambda tx: self._choices(tx, ask, words))  # who asks may be new
        view = modal.view(self._commands[words], origin, self._house.policy)
        for block in view["blocks"]:
            if found and block.get("block_id") == f"field.{CHOSEN[words]}":
                block["element"] = modal.choice(CHOSEN[words], found[:MOST])
        return view

    def _choices(self, tx: Tx, ask: Ask, words: str) -> Choices:
        policy, here = self._house.policy, self._here(tx, ask)
        actor = self._house.directory.actor(tx, ask.account_kind, ask.account, policy)
        if words == "incident snooze":
            return _reminders(tx, here) if here and visible(tx, policy, here, actor, ask.channel) else []
        known = incidents.open_ones(tx)
        if words != "incident merge":  # only what goes on can end as a duplicate
            known = list({one.id: one for one in [*known, *incidents.latest(tx, limit=RECENT)]}.values())
        others = [one for one in known if one != here and visible(tx, policy, one, actor, ask.channel)]
        none = [(NONE, "none: of none any more")] if words == "incident parent" and _has_parent(here) else []
        return [*none, *((one.id, _label(one)) for one in others)]

    def _here(self, tx: Tx, ask: Ask) -> Incident | None:
        """The incident the command is about: the one named, else the channel's."""
        rest = ask.line.split()[2:]
        if rest and bare(ask):
            return incidents.get(tx, rest[0].upper().removeprefix("INCIDENT="))
        return incidents.by_channel(tx, ask.channel) if ask.channel else None


def _reminders(tx: Tx, here: Incident) -> Choices:
    words = dict.fromkeys(nudging.word_of(one) for one in nudging.live(tx, here.id))
    return [(word, word) for word in words]


def _has_parent(here: Incident | None) -> bool:
    return here is not None and bool(standing.others(here, standing.PARENT))


def _label(one: Incident) -> str:
    title = "restricted" if one.private else one.title
    return cut(f"{one.id} · {one.severity} · {title}{'' if one.open else f' ({one.status})'}", 75)
