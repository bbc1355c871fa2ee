"""The versions of an incident's post-mortem: Muster's drafts, and the texts people made of them.

Belongs here: which text counts now, who wrote it and when, keeping the next one. Does not belong here: the text's
sections (playbooks/engine/post_mortem_sections.py). Every version stays; the newest that a person wrote counts, a later
draft of Muster's does not replace it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage import documents, incidents, timeline
from storage.db import Tx
from storage.documents import Document
from storage.timeline import Entry

ENDING = "-post-mortem.md"


@dataclass(frozen=True)
class Version:
    """One text. number: 1 for the first; by: the person, None for a draft of Muster's; section: what they changed."""

    number: int
    document: Document
    by: str | None
    at: datetime
    section: str


def versions(tx: Tx, incident: str) -> list[Version]:
    """All of them, oldest first."""
    edits = {str(e.body["document"]): e for e in timeline.read(tx, incident, types=("postmortem.edited",))}
    kept = [one for one in documents.of_stream(tx, incident) if one.name.endswith(ENDING)]
    found = []
    for number, one in enumerate(kept, 1):
        event = edits.get(one.id)
        section = str(event.body["section"]) if event else ""
        found.append(Version(number, one, event.actor if event else None, one.created_at, section))
    return found


def latest(tx: Tx, incident: str) -> Version | None:
    """The text that counts: the newest a person wrote, else the newest draft; None where there is none."""
    every = versions(tx, incident)
    counts = [one for one in every if one.by] or every
    return counts[-1] if counts else None


def save(tx: Tx, incident: str, body: str, *, by: str, section: str, before: str, key: str) -> Document:
    """Keep the next version and write down who made it of which. key: of the ask, so that it is kept once.

    Also after the incident's end; a stream that was pruned takes nothing more (Impossible).
    """
    incidents.locked(tx, incident)
    kept = documents.keep(tx, stream=incident, name=f"{incident}{ENDING}", key=f"post-mortem:{key}", body=body)
    event = {"document": kept.id, "before": before, "section": section, "sha256": kept.sha256}
    timeline.append(tx, incident, Entry("postmortem.edited", by, event))
    return kept
