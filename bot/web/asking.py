"""`/ask`: what somebody asks on a page is an ask like any other: stored, handled by the commands, answered.

Belongs here: a form for a line that wants one, storing the ask, showing its answers. Does not belong here: what a line
means or who may (commands/dispatch.py): a press here is the press of the same button in Slack.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.normalise import LINE_MOST, Inbound, clean
from bot.questions import Questions
from bot.render import html
from bot.render.blocks import draw_reply
from bot.render.forms import read_origin
from bot.render.html import Asks
from bot.retelling import PAGE_FITS
from bot.store import NotStored, Store
from bot.web.site import Visit, Wrong, back_of, to
from commands.fields import fields_of
from commands.incident.postmortem import Postmortem
from storage import inbox, incidents, people, replies
from storage.db import Tx
from storage.inbox import Ask

ANSWERED_S = 4.0  # how long a press waits for its answer before the page says "still at it"
LOOK_S = 0.05
ENDED = ("done", "refused", "dead")
_ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True)
class _Answer:
    """What became of an ask: its line, state (None: never stored), and answers as markup."""

    line: str
    state: str | None
    answers: tuple[Markup, ...]


class Asking:
    """The addresses. Makes `Asks` for every page with buttons."""

    def __init__(self, store: Store, questions: Questions) -> None:
        self._store = store
        self._questions = questions

    def asks(self, visit: Visit, about: str = "", back: str = "") -> Asks:
        """What the buttons of a page carry. about: the incident it shows."""
        return Asks(
            visit.session.csrf, back or visit.request.path, about, self.opens, lambda: secrets.token_urlsafe(18)
        )

    def opens(self, line: str) -> bool:
        """Whether a line wants a form first, as its button in Slack would open one."""
        command = self._questions.command_of(line)
        return command is not None and command.form(Ask("", "button", line, "slack", "", "web"))

    async def show(self, visit: Visit) -> web.StreamResponse:
        """GET /ask?line=…: the form of a command, or a box to type one."""
        query = visit.request.query
        line, about, back = clean(query.get("line")), query.get("about", ""), back_of(query.get("back"))
        if not line.strip():
            return visit.site.html(visit, "ask.html", form=None, hidden=html.hidden(self.asks(visit, about, back), ""),
                                   title="Ask Muster", said="", back=back)  # fmt: skip
        return await self._form(visit, await self._ask(visit, line, about, {}), back, {}, 200)

    async def send(self, visit: Visit) -> web.StreamResponse:
        """POST /ask: store it, wait a little for the answer."""
        given = await visit.request.post()
        said = {name: str(value) for name, value in given.items() if isinstance(value, str)}
        line, once = clean(said.get("line")).strip().lstrip("/"), said.get("once", "")
        if not line or not _ONCE.fullmatch(once):
            raise Wrong(400, "There is nothing to ask in this form. Nothing was done.", "Open the page again.")
        back, about = back_of(said.get("back")), said.get("about", "")
        values: dict[str, str] = {}
        most = PAGE_FITS if line.startswith(f"{Postmortem.words} ") else LINE_MOST
        for name in dict.fromkeys(name for name in given if name.startswith("field:")):
            text = " ".join(str(one) for one in given.getall(name)).strip()
            if text:
                values[name.removeprefix("field:")] = clean(text.replace("\r\n", "\n"), most)
        typed = said.get("typed") == "yes"
        ask = await self._ask(visit, line, about, values, once=once, typed=typed)
        if typed and await self._questions.opens(ask):
            return await self._form(visit, ask, back, {}, 200)
        if wrong := await self._wrong(ask):
            return await self._form(visit, ask, back, wrong, 422)
        if line := self._questions.leads_to(ask):
            return await self._form(visit, replace(ask, line=line, values={}), back, {}, 200)
        try:
            await self._store.put(self._store.codes.take_out(ask))
        except NotStored as error:
            raise Wrong(503, f"It was not stored: {error}. Nothing was done.", "Press again.") from None
        found = await self._answered(visit, ask.key, ANSWERED_S)
        if found.state not in ENDED or found.answers:
            return to(f"/asks/{once}?back={html.quoted(back)}")
        return to(back)

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """GET /asks/{once}: what became of it. Only for the session that asked."""
        once, back = visit.request.match_info["once"], back_of(visit.request.query.get("back"))
        found = await self._answered(visit, _key(visit, once), 1.0)
        if found.state is None:
            raise Wrong(404, "There is no such question of yours here.", "It may be from before you signed in.")
        return visit.site.html(
            visit, "answer.html", line=found.line, answers=found.answers, over=found.state in ENDED,
            refused=found.state in ("refused", "dead"), back=back,
        )  # fmt: skip

    async def _answered(self, visit: Visit, key: str, within_s: float) -> _Answer:
        asks, end = self.asks(visit), time.monotonic() + within_s

        def look(tx: Tx) -> _Answer:
            ask, bodies = inbox.get(tx, key), [one["body"] for one in replies.for_ask(tx, key)]
            shown = tuple(html.card(draw_reply(body).blocks, asks, called(tx)) for body in bodies)
            return _Answer(ask.line if ask else "", inbox.state(tx, key), shown)

        while True:
            found = await visit.site.db.read(look)
            if found.state is None or (found.state in ENDED and found.answers) or time.monotonic() > end:
                return found
            await asyncio.sleep(LOOK_S)

    async def _ask(
        self, visit: Visit, line: str, about: str, values: dict[str, str], *, once: str = "", typed: bool = False
    ) -> Ask:
        """The ask, standing in its incident's channel where this person may know of the incident.

        An incident that was declared a moment ago has none yet: then the line names it, or it would be about nothing.
        """

        def place(tx: Tx) -> tuple[str | None, str]:
            found = visit.incident(tx, about) if about else None
            return (found.channel, found.id) if found else (None, "")

        channel, named = await visit.site.db.read(place)
        if named and channel is None:
            line = self._naming(line, named)
        kind = "command" if typed else "form" if values else "button"
        return Ask(
            key=_key(visit, once), kind=kind, line=line.lstrip("/ "), account_kind="slack",
            account=visit.session.account, via="web", values=values, channel=channel,
            team=visit.session.account.partition("/")[0],
        )  # fmt: skip

    def _naming(self, line: str, incident: str) -> str:
        """The line with its incident, where its command takes one and it names none."""
        command = self._questions.command_of(line.lstrip("/ "))
        takes = command is not None and any(field.arg.kind == "incident" for field in fields_of(command))
        return f"{line} incident={incident}" if takes and incident not in line else line

    async def _wrong(self, ask: Ask) -> dict[str, str]:
        """What is wrong in the fields of a form: field -> words."""
        if not ask.values:
            return {}
        bare = self._store.codes.take_out(ask)
        fields = {name: name for name in ask.values}
        found = await self._questions.errors(Inbound("form", "form", bare, blocks=fields))
        return {**found, **self._store.codes.errors(bare)}

    async def _form(self, visit: Visit, ask: Ask, back: str, wrong: dict[str, str], status: int) -> web.StreamResponse:
        command = self._questions.command_of(ask.line)
        if command is None:
            raise Wrong(400, f"There is no command “{ask.line[:100]}”. Nothing was done.", "Open the page again.")
        view: dict[str, Any] = await self._questions.form(ask, command)
        origin = read_origin(str(view.get("private_metadata") or ""))
        about = visit.request.query.get("about") or str((await visit.request.post()).get("about") or "")
        asks = self.asks(visit, about, back)

        def draw(tx: Tx) -> Markup:
            return html.form(view["blocks"], people.slack_members(tx), dict(ask.values), wrong, called(tx))

        inside = await visit.site.db.read(draw)
        sends = html.hidden(asks, origin.line if origin else ask.line) if view.get("submit") else None
        return visit.site.html(
            visit, "ask.html", status=status, form=inside, hidden=sends, title=view["title"]["text"], said=ask.line,
            back=back,
        )  # fmt: skip


def called(tx: Tx) -> html.Who:
    """What Slack's ids in an answer are called here: people by name, an incident's channel as it was opened."""
    names: dict[str, str] = {}

    def name(id: str) -> str:
        if not names:
            names.update(people.slack_members(tx))
        if id not in names:
            about = incidents.by_channel(tx, id)
            names[id] = str((about and about.facts.get("channel_name")) or id)
        return names[id]

    return name


def _key(visit: Visit, once: str) -> str:
    """One session's one press: sent twice, it is the same ask."""
    return f"web:{visit.session.id}:{once}"
