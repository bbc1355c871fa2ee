"""`muster export INC-42/post-mortem`: the text that counts now as Markdown, HTML or PDF, with its picture.

Belongs here: reading it, writing the file, saying so on the record. Does not belong here: layout (bot/render).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

from bot.printing import told
from bot.record import account
from bot.render import post_mortem, post_mortem_chart
from bot.render.post_mortem_chart import Chart
from playbooks.engine.followed import as_it_stands
from playbooks.errors import Refused
from storage import export as exports
from storage import post_mortems, timeline
from storage.db import Database, Tx
from storage.post_mortems import Version

ENDING = "/post-mortem"
FORMATS = ("md", "html", "pdf")


def known(what: str) -> bool:
    """Whether this names a post-mortem: INC-42/post-mortem."""
    return what.lower().endswith(ENDING)


def exported(url: str, what: str, output: Path | None, format: str) -> int:
    """Write the file and say so on the `org` stream. Raises Refused for another format or where there is no text."""
    incident = what[: -len(ENDING)].upper()
    if format not in FORMATS:
        raise Refused(f"A post-mortem is written as {', '.join(FORMATS)}, not as {format}.", todo="Add --format md.")
    version, body, chart = asyncio.run(_read(url, incident))
    target = output or Path(f"{incident}-post-mortem.{format}")
    made = made_of(incident, body, chart, format)
    beside = target.with_name(f".{target.name}.part")
    beside.write_bytes(made)
    beside.replace(target)
    digest, who = hashlib.sha256(made).hexdigest(), account()
    asyncio.run(_note(url, incident, format, digest, who))
    told(stream=incident, file=str(target), version=version.number, sha256=digest)
    sys.stdout.write(f"Version {version.number} of the post-mortem of {incident} in {target}, sha256:{digest}.\n")
    return 0


def made_of(incident: str, body: str, chart: Chart | None, format: str) -> bytes:
    """The text in one format: md, html or pdf. Pages use it too."""
    title = f"Post-mortem of {incident}"
    if format == "pdf":
        from bot.render import post_mortem_pdf  # loaded only when one is made

        return post_mortem_pdf.written(title, body, chart)
    if format == "html":
        return post_mortem.page(title, body, chart.svg() if chart else None).encode()
    return body.encode()


async def _read(url: str, incident: str) -> tuple[Version, str, Chart | None]:
    """The version that counts, its words with the follow-ups as they stand, the picture."""

    def look(tx: Tx) -> tuple[Version | None, str, Chart | None, int]:
        version = post_mortems.latest(tx, incident)
        body = as_it_stands(tx, incident, version.document.body) if version else ""
        return version, body, post_mortem_chart.read(tx, incident), timeline.head(tx, incident).seq

    db = Database(url)
    try:
        version, body, chart, events = await db.read(look)
    finally:
        await db.close()
    if version is None:
        what = "post-mortem" if events else "timeline"
        raise Refused(f"There is no {what} of {incident} in this database.", todo="`/incident postmortem` drafts one.")
    return version, body, chart


async def _note(url: str, incident: str, format: str, digest: str, who: str) -> None:
    def write(tx: Tx) -> None:
        events = timeline.head(tx, incident).seq
        exports.made(tx, what=f"{incident}{ENDING}", format=format, sha256=digest, events=events, account=who)

    db = Database(url)
    try:
        await db.write(write)
    finally:
        await db.close()
