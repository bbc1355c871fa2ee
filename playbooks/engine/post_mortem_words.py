"""How a draft is written: citations, quotations that cannot break the page, times, names.

Belongs here: small text helpers and what a draft is told beside the timeline (`Facts`). Does not: any section.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from playbooks.durations import words

_MARKS = re.compile(r"([\\`*_\[\]<#|~])")
_SPACE = re.compile(r"\s+")
MACHINES = {"muster": "Muster", "pagerduty": "PagerDuty", "alertmanager": "Alertmanager", "": "somebody"}


@dataclass(frozen=True)
class Facts:
    """What rows and policy know beside the timeline. Lengths in seconds; None: nothing was agreed.

    names: person -> name; roles: role -> title; left: (run, step) of what was neither taken back nor accepted.
    """

    incident: str
    title: str
    severity: str
    service: str | None = None
    rto_s: float | None = None
    rpo_s: float | None = None
    acknowledge_within_s: float | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    left: tuple[tuple[str, int], ...] = ()

    def name(self, person: object) -> str:
        """A person as people call them, escaped for Markdown."""
        id = str(person or "")
        return plain(self.names.get(id) or MACHINES.get(id, id))

    @property
    def what(self) -> str:
        """What was down: the service, else the incident itself."""
        return plain(self.service or self.incident)


def cite(seqs: Iterable[int]) -> str:
    """`[18, 21]`. Raises ValueError without a number: nothing is generated that no event says."""
    numbers = sorted({seq for seq in seqs if seq > 0})
    if not numbers:
        raise ValueError("a generated sentence cites at least one event")
    return f"[{', '.join(map(str, numbers))}]"


def say(text: str, *seqs: int) -> str:
    """A generated sentence with its citation."""
    return f"{text} {cite(seqs)}."


def plain(text: str) -> str:
    """Somebody's words on one line, with everything Markdown would take for its own escaped."""
    return _MARKS.sub(r"\\\1", _SPACE.sub(" ", text).strip())


def quote(text: str, most: int = 300) -> str:
    """Somebody's words in quotation marks, cut at `most` characters."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return f"“{plain(short)}”"


def clock(at: datetime) -> str:
    """14:02 UTC."""
    return f"{at:%H:%M} UTC"


def clock_s(at: datetime) -> str:
    """14:02:07."""
    return f"{at:%H:%M:%S}"


def span(length: timedelta) -> str:
    """12 min; seconds are left out of what is longer than an hour, fractions always. Never negative: times that people
    or other clocks say may lie the wrong way round."""
    total = max(0, round(length.total_seconds()))
    return words(timedelta(seconds=total - total % 60 if total >= 3600 else total))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table; cells are escaped already."""
    first = list(head)
    lines = [first, ["---"] * len(first), *map(list, rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def people(names: list[str]) -> str:
    """Ben and Chi."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else (names[0] if names else "nobody")
