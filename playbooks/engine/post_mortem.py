"""The post-mortem draft: Markdown built from the timeline, every generated sentence citing its events.

Belongs here: the order of the sections, gathering what they are built from, keeping the draft. Does not belong here:
the sections (post_mortem_parts.py, post_mortem_lessons.py) or reading events (post_mortem_story.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from playbooks import ports
from playbooks.engine import leftovers
from playbooks.engine import post_mortem_lessons as lessons
from playbooks.engine import post_mortem_parts as parts
from playbooks.engine.followed import as_it_stands
from playbooks.engine.post_mortem_story import Story, tell
from playbooks.engine.post_mortem_words import Facts, plain
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage import documents, export, incidents, people, post_mortems, timeline
from storage.db import Database, Tx
from storage.incidents import Incident
from storage.timeline import Event

_EXPORT = re.compile(r"export:(?P<stream>[^:]+):(?P<format>jsonl|csv):(?P<last>[0-9]{1,9})")
SECTIONS: tuple[tuple[str, Callable[[Story, Facts], list[str]]], ...] = (
    ("Summary", parts.summary),
    ("Severity", parts.severity),
    ("Impact — *to fill in*", parts.impact),
    ("Roles", parts.roles),
    ("Key times", parts.key_times),
    ("What ran and who approved", parts.ran),
    ("Left behind", parts.left_behind),
    ("Updates sent", parts.updates),
    ("Timeline", parts.timeline),
    ("Five whys — *to fill in*", lessons.whys),
    ("Contributing factors", lessons.factors),
    ("Went well", lessons.well),
    ("Went wrong", lessons.wrong),
    ("Got lucky", lessons.lucky),
    ("Action items", lessons.actions),
)


def build(events: Sequence[Event], facts: Facts) -> str:
    """The draft as Markdown. Raises ValueError for a timeline without events: there is nothing to cite."""
    if not events:
        raise ValueError(f"{facts.incident} has no events")
    story = tell(events)
    title = f"# {plain(facts.incident)} · {plain(facts.severity)} · {plain(facts.title)}"
    intro = (
        f"*Draft from the timeline up to event [{events[-1].seq}]. Numbers in brackets are events; what stands in "
        "(parentheses) is for you. No blame: what made it possible, not who.*"
    )
    lines = [title, "", intro, ""]
    for heading, write in SECTIONS:
        lines += [f"## {heading}", "", *write(story, facts), ""]
    return "\n".join(lines).rstrip() + "\n"


def follow_ups(events: Sequence[Event], facts: Facts) -> int:
    """How many action items the draft suggests."""
    return lessons.suggested(lessons.actions(tell(events), facts)) if events else 0


class TimelineDrafts(ports.Drafts):
    """Drafts over the record. Handed to actions by `bot/app.py`."""

    def __init__(self, db: Database, policy: Policy | None = None) -> None:
        self._db = db
        self._policy = policy

    async def post_mortem(self, incident: str, key: str) -> ports.Document:
        """Build and keep the draft of an incident. The same key gives the same document again.

        Raises Refused when there is no such incident.
        """
        return _port(await self._db.write(lambda tx: self._draft(tx, incident, key)))

    async def read(self, document: str, incident: str) -> ports.Document:
        """A kept document by id (a post-mortem with its follow-ups as they stand), or a timeline as
        `export:INC-42:jsonl:41`, which is never kept: what was erased since it was asked for does not go out.

        Raises Refused when the incident has none: whoever may run playbooks need not see every incident.
        """
        found = await self._db.read(lambda tx: _export(tx, document, incident) or _as_shared(tx, document, incident))
        if found is None:
            raise Refused(f"{incident or 'This run'} has no document {document}. Nothing was sent.")
        return found

    def _draft(self, tx: Tx, incident: str, key: str) -> documents.Document:
        if known := documents.by_key(tx, key):
            return known
        found = incidents.get(tx, incident)
        if found is None:
            raise Refused(f"There is no {incident}.", todo="`/incident list` shows them.")
        events = timeline.read(tx, incident)
        left = leftovers.of_incident(tx, incident, self._policy) if self._policy else []
        facts = replace(
            self._facts(found, people.names(tx, _people(events))), left=tuple((step.run, step.idx) for step in left)
        )
        name = f"{incident}-post-mortem.md"
        return documents.keep(tx, stream=incident, name=name, key=key, body=build(events, facts))

    def _facts(self, found: Incident, names: dict[str, str]) -> Facts:
        policy = self._policy
        service = policy.services.get(found.service) if policy and found.service else None
        level = policy.severities.get(found.severity) if policy else None
        within = level.acknowledge_within if level else None
        return Facts(
            incident=found.id,
            title=found.title,
            severity=found.severity,
            service=found.service,
            rto_s=service.rto.total_seconds() if service else None,
            rpo_s=service.rpo.total_seconds() if service else None,
            acknowledge_within_s=within.total_seconds() if within else None,
            names=names,
            roles={name: role.title for name, role in policy.roles.items()} if policy else {},
        )


def _people(events: Iterable[Event]) -> set[str]:
    """Everybody the events speak of."""
    said = {event.actor for event in events}
    for event in events:
        said |= {str(event.body[name]) for name in ("person", "before", "requester") if event.body.get(name)}
    return {one for one in said if one.startswith("P-")}


def _as_shared(tx: Tx, document: str, incident: str) -> ports.Document | None:
    """A kept document; a post-mortem with its follow-ups as they stand."""
    found = documents.get(tx, document)
    if found is None or found.stream != incident:
        return None
    if not found.name.endswith(post_mortems.ENDING):
        return _port(found)
    body = as_it_stands(tx, found.stream, found.body)
    return ports.Document(found.id, found.name, body, hashlib.sha256(body.encode()).hexdigest())


def _port(kept: documents.Document) -> ports.Document:
    return ports.Document(kept.id, kept.name, kept.body, kept.sha256)


def _export(tx: Tx, document: str, incident: str) -> ports.Document | None:
    """The incident's own timeline up to an event."""
    asked = _EXPORT.fullmatch(document)
    if asked is None or asked["stream"] != incident:
        return None
    body = export.as_text(tx, incident, asked["format"], int(asked["last"]))
    digest = hashlib.sha256(body.encode()).hexdigest()
    return ports.Document(id=document, name=f"{incident}.{asked['format']}", body=body, sha256=digest)


__all__ = ["Facts", "TimelineDrafts", "build", "follow_ups"]
