"""The form of one section of a post-mortem: it begins with what the section says now.

Belongs here: finding that text (one read). Does not belong here: keeping the new one (commands/incident/postmortem.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from urllib.parse import urlencode

from bot.render.blocks import Block, escape, section
from bot.render.forms import Origin
from bot.render.modal import field_input, modal, title_of
from commands.fields import Field, fields_of, parse
from commands.house import House
from commands.incident.postmortem import Postmortem
from commands.places import visible
from playbooks.engine.post_mortem_sections import sections
from playbooks.errors import Refused
from storage import incidents, post_mortems
from storage.db import Tx, Unreachable
from storage.inbox import Ask

WITHIN_S = 1.2  # of the three seconds a press lives
FITS = 3000  # characters in a form of Slack's (contract A8)
PAGE_FITS = 60_000  # and in one of a page


class Retelling:
    """Makes the form. One instance per process."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def view(self, ask: Ask, origin: Origin) -> Block:
        """The section's text, to change. Who may not know of the incident gets an empty form, refused when sent."""
        found: tuple[str, str, str, str] | None = None
        with contextlib.suppress(Unreachable, TimeoutError, Refused):
            async with asyncio.timeout(WITHIN_S):
                found = await self._house.db.read(lambda tx: self._now(tx, ask))
        heading, text, base, incident = found or ("", "", "", "")
        fits = PAGE_FITS if ask.via == "web" else FITS
        if len(text) > fits:
            page = "" if ask.via == "web" else f" <{self._page(ask, incident)}|Change it on its page>, where it fits."
            said = f"*{escape(heading)}* is longer than this form holds.{page} What you write here takes its place."
            text = ""
        else:
            said = f"*{escape(heading or 'This section')}*, in Markdown. Numbers in brackets are events."
        field = next(one for one in fields_of(Postmortem) if one.name == "text")
        line = f"{ask.line.strip()} base={base}" if base and "base=" not in ask.line else ask.line
        block = field_input(Postmortem, Field("text", field.arg, True, ""), self._house.policy, required=True)
        block["element"] |= {"max_length": fits, **({"initial_value": text} if text else {})}
        return modal(title_of(Postmortem), replace(origin, line=line), [section(said), block])

    def _page(self, ask: Ask, incident: str) -> str:
        """The same form on a page, which leads back to the text."""
        back = f"/incidents/{incident}/post-mortem"
        asked = urlencode({"line": ask.line.strip(), "about": incident, "back": back})
        return f"{self._house.url}/ask?{asked}"

    def _now(self, tx: Tx, ask: Ask) -> tuple[str, str, str, str] | None:
        rest = [*ask.line.split(None, 2), ""][2]
        said = parse(Postmortem, rest, policy=self._house.policy, now=tx.now)
        here = incidents.by_channel(tx, ask.channel) if ask.channel else None
        one = incidents.get(tx, said.incident) if said.incident else here
        actor = self._house.directory.actor(tx, ask.account_kind, ask.account, self._house.policy)
        if one is None or not visible(tx, self._house.policy, one, actor, ask.channel):
            return None
        counts = post_mortems.latest(tx, one.id)
        parts = sections(counts.document.body) if counts else []
        part = next((each for each in parts if each.slug == said.section), None)
        return (part.heading, part.text, counts.document.id, one.id) if part and counts else None
