"""How replies are worded: Slack's mrkdwn, escaped names and titles, times, severities, incidents in one line.

Belongs here: small pure helpers for texts. Does not belong here: layout for Slack or a terminal (bot/render).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from playbooks.durations import words as length_words
from playbooks.policy import Policy
from storage.incidents import Incident

_DOUBLE = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
DOTS = ("🔴", "🟠", "🟡", "🔵")


def esc(text: str) -> str:
    """A typed text that can neither mention a channel nor break the markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(text: str) -> str:
    """`**bold**`, as the engine and the policy write it, as Slack's `*bold*`."""
    return _DOUBLE.sub(r"*\1*", text)


def safe(text: str) -> str:
    """Words of an exception or a tool: escaped, bold kept."""
    return mrkdwn(esc(text))


def cut(text: str, most: int) -> str:
    """At most so many characters, with … where something was left out."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def clock(time: datetime, now: datetime | None = None) -> str:
    """14:02, with the day where it is not today's."""
    utc = time.astimezone(UTC)
    same = now is None or utc.date() == now.astimezone(UTC).date()
    return f"{utc:%H:%M}" if same else f"{utc.day} {utc:%b %H:%M}"


def day(when: date) -> str:
    """Fri 27 Nov"""
    return f"{when:%a} {when.day} {when:%b}"


def lasted(length: timedelta) -> str:
    """18 min; below a minute in seconds, above an hour without seconds."""
    seconds = max(0, int(length.total_seconds()))
    if seconds >= 60:
        seconds -= seconds % 60
    return length_words(timedelta(seconds=seconds))


def dot(policy: Policy, severity: str) -> str:
    """🔴 for the first severity of the policy, then 🟠, 🟡, 🔵."""
    names = list(policy.severities)
    at = names.index(severity) if severity in names else len(DOTS)
    return DOTS[min(at, len(DOTS) - 1)]


def name_of(incident: Incident, *, most: int = 150) -> str:
    """*INC-42 · sev1 · checkout is down*; a private one's title is left out."""
    title = "restricted" if incident.private else esc(cut(incident.title, most))
    return f"*{incident.id} · {incident.severity} · {title}*"


def channel_of(incident: Incident) -> str:
    """The channel as Slack links it, or that it is not open yet."""
    return f"<#{incident.channel}>" if incident.channel else "channel not open yet"


def joined(items: list[str], last: str = "and") -> str:
    """a, b and c"""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def lines(*parts: str) -> str:
    """The parts that say something, one a line."""
    return "\n".join(part for part in parts if part)
