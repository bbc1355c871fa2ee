"""`/incidents/INC-42/post-mortem`: the latest text, the ones before, and the buttons that write the next one.

Belongs here: this page and the text as a file. Does not belong here: building a text (playbooks/engine/post_mortem.py),
changing or publishing it: its buttons ask the same commands as Slack's.
"""

from __future__ import annotations

import re

from aiohttp import web

from bot.render import html
from bot.render.blocks import buttons
from bot.web.asking import Asking
from bot.web.site import Visit, missing
from commands.command import Button
from storage import documents
from storage.db import Tx
from storage.documents import Document
from storage.incidents import Incident

_CITED = re.compile(r"\[(\d+(?:, \d+)*)\](?!\()")


class PostMortems:
    """The page of each incident."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def show(self, visit: Visit) -> web.StreamResponse:
        """GET …/post-mortem?version="""
        one, kept = await visit.site.db.read(lambda tx: _read(tx, visit))
        shown = _chosen(kept, visit.request.query.get("version"))
        asks = self._asking.asks(visit, one.id)
        again = Button(label="Draft again" if kept else "Draft it", line=f"incident postmortem {one.id}")
        return visit.site.html(
            visit, "post_mortem.html", one=one, kept=list(reversed(kept)), shown=shown,
            text=html.markdown(cited(one.id, shown.body)) if shown else None,
            actions=html.card(buttons([again]), asks),
        )  # fmt: skip

    async def file(self, visit: Visit) -> web.StreamResponse:
        """GET …/post-mortem.md?version=: as a file."""
        _, kept = await visit.site.db.read(lambda tx: _read(tx, visit))
        shown = _chosen(kept, visit.request.query.get("version"))
        if shown is None:
            raise missing("text")
        answer = web.Response(text=shown.body, content_type="text/markdown")
        answer.headers["Content-Disposition"] = f'attachment; filename="{re.sub(r"[^A-Za-z0-9.-]", "_", shown.name)}"'
        return answer


def cited(incident: str, text: str) -> str:
    """`[3, 26]` as links to those events."""

    def link(found: re.Match[str]) -> str:
        numbers = (int(one) for one in found[1].split(", "))
        said = ", ".join(f"[{one}](/incidents/{incident}?before={one + 1}#event-{one})" for one in numbers)
        return f"\\[{said}\\]"

    return _CITED.sub(link, text)


def _read(tx: Tx, visit: Visit) -> tuple[Incident, list[Document]]:
    one = visit.incident(tx, visit.request.match_info["incident"])
    return one, [kept for kept in documents.of_stream(tx, one.id) if kept.name.endswith(".md")]


def _chosen(kept: list[Document], id: str | None) -> Document | None:
    """The one asked for, else the latest; None where there is none."""
    if id:
        found = next((one for one in kept if one.id == id), None)
        if found is None:
            raise missing("text")
        return found
    return kept[-1] if kept else None
