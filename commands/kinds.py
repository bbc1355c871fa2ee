"""What a word means: each kind of argument read from text, or refused with the nearest right word.

Belongs here: `Arg` and one reader per kind. Does not belong here: which word belongs to which argument (fields.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from playbooks.durations import parse_duration
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.reading import nearest

Kind = Literal[
    "word", "line", "rest", "severity", "role", "service", "person", "time", "choice", "incident", "run", "digest",
    "decision", "code", "account", "anybody",
    "number", "inputs", "level", "alerts", "message", "whom", "until", "holder",
]  # fmt: skip
GREEDY = ("line", "rest")  # takes everything that is left: one line, or several
MENTIONS = ("person", "account", "anybody", "message", "whom", "holder")  # read as Slack writes them, `<@U0BEN|ben>`
ME, NOBODY, NONE = "me", "nobody", "none"
_INCIDENT = re.compile(r"(?:inc-?)?(\d{1,9})", re.IGNORECASE)
_ADDRESS = re.compile(r"inc-\d{1,9}", re.IGNORECASE)
_ALERTS = re.compile(r"(?:t-)?(\d{1,9})", re.IGNORECASE)
_NAMED = re.compile(r"t-\d{1,9}", re.IGNORECASE)
# A message: our own "C1/1700000000.000100", or the link that Slack copies.
_MESSAGE = re.compile(
    r"<?(?:https://[a-z0-9.-]+/archives/)?([CDG][A-Z0-9]{4,})/(p\d{16,17}|\d{9,10}\.\d{6})(?:[?|>]\S*)?"
)
_RUN = re.compile(r"(?:(inc-\d{1,9}|org)/)?/?(\d{1,6})", re.IGNORECASE)
_ACCOUNT = re.compile(r"(slack|pagerduty):((?:[TE][A-Z0-9]+/)?[A-Z0-9]{3,})", re.IGNORECASE)
_DECISION = re.compile(r"(?:d-?)?(\d{1,6})", re.IGNORECASE)
_VERDICT = re.compile(r"proof-[0-9a-f]{20}|wrong:[a-z-]+")  # what became of a code (bot/codes.py); never the code
UNCHECKED = "wrong:unchecked"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})…?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:z|utc)?", re.IGNORECASE)
_PERSON_ID = re.compile(r"P-[A-Z2-7]{12}", re.IGNORECASE)  # as timelines name somebody who was erased, or is unknown
_LIKE_CLOCK = re.compile(r"\d{1,2}:\d{1,2}(?::\d{1,2})?(?:z|utc|h|am|pm)?", re.IGNORECASE)
_TEAM = re.compile(r"<!subteam\^[A-Z0-9]+\|@?([^>]+)>|@([A-Za-z0-9._-]+)")
_MENTIONED = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>|@me", re.IGNORECASE)
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|@?([UW][A-Z0-9]{2,})")


@dataclass(frozen=True)
class Arg:
    """How one field of a command is given. Put beside its type: `title: Annotated[str, Arg("line", "what is wrong")]`.

    By position in the order of the fields, or as `name=value`; `keyed` fields only by name. lead: a word that may
    introduce it ("at" 14:05), at the start or the end of a greedy text. say: shown in help, forms and refusals.
    """

    kind: Kind = "word"
    say: str = ""
    keyed: bool = False
    lead: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Around:
    """What readers may look at: the policy, database time, and a line that would work."""

    policy: Policy
    now: datetime
    example: str

    def refuse(self, message: str) -> Refused:
        """A refusal that ends in the working line."""
        return Refused(message, todo=f"Try `/{self.example}`")


def looks(kind: Kind, text: str) -> bool:
    """Whether a word can only be meant as this kind: what decides on optional arguments that stand first."""
    patterns = {"incident": _ADDRESS, "run": _RUN, "digest": _DIGEST, "alerts": _NAMED, "holder": _MENTIONED}
    pattern = patterns.get(kind)
    return True if pattern is None else pattern.fullmatch(text) is not None


def is_clock(text: str) -> bool:
    """Whether a word is a time of day."""
    return _CLOCK.fullmatch(text) is not None


def like_clock(text: str) -> bool:
    """Whether a word is written as a time of day, be it one or not: 14:05, 99:99, 7:5."""
    return _LIKE_CLOCK.fullmatch(text) is not None


def read(arg: Arg, name: str, text: str, around: Around) -> object:
    """One argument from its text. Raises Refused."""
    if arg.kind == "time":
        return read_time(text, around)
    if arg.kind == "number":
        return _number(name, text, around)
    if arg.kind == "until":
        return read_until(text, around)
    if arg.kind == "line":
        return " ".join(text.split())
    if arg.kind == "rest":
        return text.strip()
    if arg.kind == "choice":
        return _choice(arg, name, text, around)
    return _word(arg, name, text, around)


def _word(arg: Arg, name: str, text: str, around: Around) -> str:
    if arg.kind == "severity":
        return _severity(text, around)
    if arg.kind in ("role", "service", "level"):
        return _of_policy(arg.kind, text, around)
    if arg.kind in ("person", "holder"):
        return _person(text, around)
    if arg.kind == "whom":
        return _whom(text, around)
    if arg.kind == "anybody":
        return text.upper() if _PERSON_ID.fullmatch(text) else _person(text, around)
    if arg.kind == "incident":
        match = _INCIDENT.fullmatch(text)
        return f"INC-{int(match[1])}" if match else _wrong(name, text, "an incident like INC-42", around)
    if arg.kind == "run":
        match = _RUN.fullmatch(text)
        return _run(match) if match else _wrong(name, text, "a run like INC-42/2", around)
    if arg.kind == "alerts":
        match = _ALERTS.fullmatch(text)
        return f"T-{int(match[1])}" if match else _wrong(name, text, "a card of alerts like T-7", around)
    if arg.kind == "message":
        match = _MESSAGE.fullmatch(text)
        return _message(match) if match else _wrong(name, text, "a message: copy its link in Slack", around)
    if arg.kind == "account":
        return _account(name, text, around)
    if arg.kind == "decision":
        match = _DECISION.fullmatch(text)
        return f"D-{int(match[1])}" if match else _wrong(name, text, "a decision like D-7", around)
    if arg.kind == "code":
        return text if _VERDICT.fullmatch(text) else UNCHECKED
    if arg.kind == "digest":
        match = _DIGEST.fullmatch(text)
        return match[1].lower() if match else _wrong(name, text, "the start of a digest like 9f2c44", around)
    return text.strip()


def _wrong(name: str, text: str, should: str, around: Around) -> str:
    raise around.refuse(f"*{text}* is not {should}.")


def _of_policy(kind: str, text: str, around: Around) -> str:
    if kind == "level" and text.lower() == NONE:
        return NONE
    policy = around.policy
    try:
        if kind == "role":
            return policy.role(text).name
        return policy.service(text).name if kind == "service" else policy.level(text).name
    except Refused as error:
        raise around.refuse(error.message) from None


def _severity(text: str, around: Around) -> str:
    try:
        return around.policy.severity(text).name
    except Refused as error:
        raise around.refuse(error.message) from None


def _person(text: str, around: Around) -> str:
    match = _PERSON.fullmatch(text)
    if match:
        return str(match[1] or match[2])
    if text.lower() in ("me", "@me"):
        return ME
    if text.lower() in ("nobody", "none", "-"):
        return NOBODY
    raise around.refuse(f"I cannot tell who *{text}* is. Type @ and pick the name from Slack's list, or write *me*.")


def _whom(text: str, around: Around) -> str:
    """Somebody, a group of the policy as "@sre", or a service by its name: whoever is on call for it."""
    policy = around.policy
    if match := _PERSON.fullmatch(text):
        return str(match[1] or match[2])
    if text.lower() in ("me", "@me"):
        return ME
    team = _TEAM.fullmatch(text)
    said = (team[1] or team[2] if team else text).lower()
    handles = {(one.slack or "").removeprefix("@").lower(): name for name, one in policy.groups.items()}
    for name in (said, handles.get(said, "")):
        if name in policy.groups:
            return f"@{name}"
    if said in policy.services and not team:
        return said
    best = nearest(said, [*policy.groups, *policy.services])
    near = f" Did you mean *{best}*?" if best else ""
    groups = ", ".join(f"@{name}" for name in policy.groups)
    raise around.refuse(
        f"I cannot tell who *{text}* is.{near} Type @ and pick the name from Slack's list, or name a group "
        f"({groups}) or a service."
    )


def _account(name: str, text: str, around: Around) -> str:
    """A mention is a Slack account; others are named by their service."""
    if match := _PERSON.fullmatch(text):
        return f"slack:{match[1] or match[2]}"
    if match := _ACCOUNT.fullmatch(text):
        return f"{match[1].lower()}:{match[2].upper()}"
    return _wrong(name, text, "an account: a mention, or such as pagerduty:PX1A2B3", around)


def _run(match: re.Match[str]) -> str:
    stream = (match[1] or "").lower()
    return f"{stream.upper() if stream.startswith('inc') else stream}/{int(match[2])}"


def _message(match: re.Match[str]) -> str:
    """`C1/1700000000.000100`"""
    ts = match[2]
    return f"{match[1]}/{f'{ts[1:-6]}.{ts[-6:]}' if ts.startswith('p') else ts}"


def _number(name: str, text: str, around: Around) -> int:
    if re.fullmatch(r"[0-9]{1,6}", text):
        return int(text)
    raise around.refuse(f"*{text}* is not a whole number; *{name}* needs one.")


def _choice(arg: Arg, name: str, text: str, around: Around) -> str:
    word = text.strip().lower().replace("_", "-").replace(" ", "-")
    for choice in arg.choices:
        if choice == word:
            return choice
    best = nearest(word, arg.choices)
    near = f" Did you mean *{best}*?" if best else ""
    raise around.refuse(f"*{text}* cannot stand here.{near} It can be: {', '.join(arg.choices)}.")


def read_time(text: str, around: Around) -> datetime:
    """14:05 (the last one, UTC, in the past 24 hours), `now`, or ISO 8601 (without zone: UTC). Raises Refused."""
    said = text.strip()
    if said.lower() == "now":
        return around.now
    try:
        if match := _CLOCK.fullmatch(said):
            hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
            found = around.now.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)
            return found - timedelta(days=1) if found > around.now else found
        found = datetime.fromisoformat(said)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise around.refuse(f"*{said}* is not a time. Write 14:05 (UTC) or 2026-11-22T14:05Z.") from None


def read_until(text: str, around: Around) -> datetime:
    """A time to come: 30m from now, the next 18:00 (UTC), or ISO 8601. Raises Refused."""
    said = text.strip()
    try:
        return around.now + parse_duration(said)
    except ValueError:
        pass
    try:
        found = read_time(said, around)
    except Refused:
        raise around.refuse(f"*{said}* is not a time. Write 30m, 18:00 (UTC) or 2026-11-22T18:00Z.") from None
    if is_clock(said) and found <= around.now:
        found += timedelta(days=1)
    if found < around.now:
        raise around.refuse(f"*{said}* is over already. Write 30m, or a time to come such as 18:00 (UTC).")
    return found
