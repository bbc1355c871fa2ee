"""`/incidents/INC-42/post-mortem`: the text that counts, section by section, each with its form; every version; a file.

Belongs here: this page and the text as a file. Does not belong here: building a text (playbooks/engine/post_mortem.py),
changing or sharing it: its buttons ask the same commands as Slack's (commands/incident/postmortem.py).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from markupsafe import Markup

from bot.render import html, post_mortem_chart
from bot.render.blocks import buttons
from bot.render.html import Asks
from bot.render.post_mortem import fragment
from bot.render.post_mortem_chart import Chart
from bot.retold import made_of
from bot.web.asking import Asking
from bot.web.incidents import picture
from bot.web.site import Visit, missing
from commands.command import Button
from playbooks.engine.followed import as_it_stands
from playbooks.engine.post_mortem_sections import sections
from storage import people, post_mortems
from storage.db import Tx
from storage.incidents import Incident
from storage.post_mortems import Version

FILES = {"md": "text/markdown", "html": "text/html", "pdf": "application/pdf"}
_FIRST = re.compile(r"^## ", re.MULTILINE)


class PostMortems:
    """The page of each incident."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def show(self, visit: Visit) -> web.StreamResponse:
        """GET …/post-mortem?version=doc-…"""

        def read(tx: Tx) -> dict[str, Any]:
            one, kept, counts = _read(tx, visit)
            shown = _chosen(kept, counts, visit.request.query.get("version"))
            asks = self._asking.asks(visit, one.id)
            versions = [(each, _author(tx, each)) for each in reversed(kept)]
            return {
                "one": one, "versions": versions, "shown": shown, "counts": counts,
                "author": _author(tx, shown) if shown else "", "picture": picture(tx, one.id),
                "lead": fragment(_FIRST.split(shown.document.body)[0], cite=cite(one.id)) if shown else "",
                "sections": _sections(tx, one, shown, asks, live=shown == counts) if shown else [],
                "actions": html.card(buttons(_actions(one, counts)), asks),
            }  # fmt: skip

        return visit.site.html(visit, "post_mortem.html", **await visit.site.db.read(read))

    async def file(self, visit: Visit) -> web.StreamResponse:
        """GET …/post-mortem.md?version=: as a file, `.md`, `.html` or `.pdf`, with its picture as of now."""
        format = visit.request.match_info["format"]

        def read(tx: Tx) -> tuple[Incident, Version, str, Chart | None]:
            one, kept, counts = _read(tx, visit)
            shown = _chosen(kept, counts, visit.request.query.get("version"))
            if shown is None or format not in FILES:
                raise missing("text")
            body = shown.document.body
            stands = as_it_stands(tx, one.id, body) if shown == counts else body
            return one, shown, stands, post_mortem_chart.read(tx, one.id)

        one, shown, body, chart = await visit.site.db.read(read)
        made = await asyncio.to_thread(made_of, one.id, body, chart, format)  # a PDF takes a while
        answer = web.Response(body=made, content_type=FILES[format], charset=None if format == "pdf" else "utf-8")
        name = re.sub(r"[^A-Za-z0-9.-]", "_", shown.document.name.rpartition(".")[0] or shown.document.name)
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{format}"'
        return answer


def cite(incident: str) -> Callable[[int], str]:
    """Where an event of this incident is shown."""
    return lambda number: f"/incidents/{incident}?before={number + 1}#event-{number}"


def _read(tx: Tx, visit: Visit) -> tuple[Incident, list[Version], Version | None]:
    one = visit.incident(tx, visit.request.match_info["incident"])
    return one, post_mortems.versions(tx, one.id), post_mortems.latest(tx, one.id)


def _chosen(kept: list[Version], counts: Version | None, id: str | None) -> Version | None:
    """The one asked for, else the one that counts; None where there is none."""
    if not id:
        return counts
    found = next((one for one in kept if one.document.id == id), None)
    if found is None:
        raise missing("text")
    return found


def _author(tx: Tx, version: Version) -> str:
    return people.name(tx, version.by) if version.by else "Muster"


def _sections(tx: Tx, one: Incident, shown: Version, asks: Asks, *, live: bool) -> list[dict[str, Any]]:
    """Each with its form where this is the text that counts; older ones are only read."""
    found = []
    body = shown.document.body
    for part in sections(as_it_stands(tx, one.id, body) if live else body):
        edit = Button(label=f"Edit {part.heading}", line=f"incident postmortem {one.id} section={part.slug}")
        found.append({
            "slug": part.slug, "heading": part.heading, "wanted": part.wanted,
            "text": fragment(part.text, cite=cite(one.id)),
            "edit": html.card(buttons([edit]), asks) if live else Markup(""),
        })  # fmt: skip
    return found


def _actions(one: Incident, counts: Version | None) -> list[Button]:
    line = f"incident postmortem {one.id}"
    if counts is None:
        return [Button(label="Draft it", line=line)]
    share = Button(label="Share in its channel", line=f"{line} what=share", style="primary")
    return [share, Button(label="Draft again", line=f"{line} what=draft")]
