"""What a person typed after a playbook's name, as typed values: `service=checkout within=5m`.

Belongs here: reading each input type from text, saying what is missing or unknown with an example. Does not belong
here: splitting the line into words (commands), using the values (plan).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playbooks.durations import compact, parse_duration
from playbooks.engine.model import Input, Playbook
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.reading import nearest

_YES = frozenset({"yes", "y", "true", "on", "1"})
_NO = frozenset({"no", "n", "false", "off", "0"})
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|@?([UW][A-Z0-9]{2,})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")


def typed_inputs(
    playbook: Playbook, given: Mapping[str, Any], policy: Policy, now: datetime | None = None
) -> dict[str, Any]:
    """Every declared input as a JSON value; absent optional ones are their default or None.

    Types: service, site -> name; string, text -> str; integer -> int; boolean -> bool; duration -> "15m"; time -> ISO
    8601 in UTC (a bare 14:05 is the last one before `now` in the organisation's time zone); choice -> one of `choices`;
    person -> Slack user id; list -> list of texts. Values that are already typed pass. Raises Refused with everything
    that is wrong and a line to try.
    """
    wrong = [_unknown(playbook, name) for name in given if name not in {item.name for item in playbook.inputs}]
    typed: dict[str, Any] = {}
    missing: list[Input] = []
    for item in playbook.inputs:
        value = given.get(item.name)
        typed[item.name] = item.default
        if value is None or value == "":
            missing += [item] if item.required else []
            continue
        try:
            typed[item.name] = read_input(item, value, policy, now or datetime.now(UTC))
        except ValueError as error:
            wrong.append(f"**{item.name}**: {error}.")
        except Refused as error:
            wrong.append(error.message)
    if missing:
        wrong.insert(0, f"It needs {' and '.join(_described(item, policy) for item in missing)}.")
    if wrong:
        raise Refused("\n".join(wrong), todo=f"Try `{_example_line(playbook, typed, policy)}`")
    return typed


def service_input(playbook: Playbook) -> str | None:
    """The name of the input that says which service the run is about, or None."""
    return next((item.name for item in playbook.inputs if item.type == "service"), None)


def site_input(playbook: Playbook) -> str | None:
    """The name of the input that says where the run happens, or None."""
    return next((item.name for item in playbook.inputs if item.type == "site"), None)


def read_input(item: Input, value: Any, policy: Policy, now: datetime) -> Any:
    """One value of one input. Raises ValueError or Refused saying what would be right."""
    if item.type == "list":
        return _list(value)
    if (item.type, type(value)) in (("boolean", bool), ("integer", int)):
        return value
    if isinstance(value, timedelta):
        value = compact(value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not {item.type}")
    text = value.strip()
    readers: dict[str, Callable[[], Any]] = {
        "service": lambda: policy.service(text).name,
        "site": lambda: policy.site(text).name,
        "string": lambda: _string(text, 500),
        "text": lambda: _string(value, 10_000, lines=True),
        "integer": lambda: _integer(text),
        "boolean": lambda: _boolean(text),
        "duration": lambda: compact(parse_duration(text)),
        "time": lambda: _time(text, policy, now),
        "choice": lambda: _choice(text, item.choices),
        "person": lambda: _person(text),
    }
    return readers[item.type]()


def _string(text: str, longest: int, lines: bool = False) -> str:
    if len(text) > longest:
        raise ValueError(f"{len(text)} characters, at most {longest} fit")
    if not lines and any(mark in text for mark in "\r\n"):
        raise ValueError("one line only")
    return text


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
        raise ValueError(f"{text} is not a whole number")
    return int(text)


def _boolean(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"{text} is neither yes nor no")


def _choice(text: str, choices: tuple[str, ...]) -> str:
    for choice in choices:
        if choice.lower() == text.lower():
            return choice
    best = nearest(text, choices)
    near = f"; did you mean {best}" if best else ""
    raise ValueError(f"{text} is not one of {', '.join(choices)}{near}")


def _person(text: str) -> str:
    match = _MENTION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is not a person; write a mention such as @ana")
    return str(match[1] or match[2])


def _list(value: Any) -> list[str]:
    items = re.split(r"[,\n]", value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("a list of texts, separated by commas")
    return [item.strip() for item in items if item.strip()]


def _time(text: str, policy: Policy, now: datetime) -> str:
    zone = ZoneInfo(policy.organisation.time_zone)
    if clock := _CLOCK.fullmatch(text):
        local = now.astimezone(zone)
        if int(clock[1]) > 23 or int(clock[2]) > 59:
            raise ValueError(f"{text} is no time of day")
        then = local.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return (then - timedelta(days=1) if then > local else then).astimezone(UTC).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no time; write 14:05 or 2026-11-22T14:05Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).isoformat()


def _unknown(playbook: Playbook, name: str) -> str:
    names = [item.name for item in playbook.inputs]
    best = nearest(name, names)
    near = f"Did you mean **{best}**?" if best else f"It knows: {', '.join(names) or 'no inputs'}."
    return f"{playbook.name} has no input **{name}**. {near}"


def _described(item: Input, policy: Policy) -> str:
    """**service** (one of: checkout, auth, booking)"""
    known = {"service": tuple(policy.services), "site": tuple(policy.sites), "choice": item.choices}.get(item.type)
    said = f"one of: {', '.join(known)}" if known else item.description or item.type
    return f"**{item.name}** ({said})"


def _example_line(playbook: Playbook, typed: Mapping[str, Any], policy: Policy) -> str:
    """A line that would work: what was right already, and an example for the rest that is required."""
    said = ["/playbook run", playbook.name]
    for item in playbook.inputs:
        value = typed[item.name]
        if item.required:
            text = _example(item, policy) if value is None or not isinstance(value, str | int) else str(value)
            said.append(f'{item.name}="{text}"' if " " in text else f"{item.name}={text}")
    return " ".join(said)


def _example(item: Input, policy: Policy) -> str:
    examples = {
        "service": next(iter(policy.services), "checkout"),
        "site": next(iter(policy.sites), "primary"),
        "integer": "1",
        "boolean": "yes",
        "duration": "15m",
        "time": "14:05",
        "choice": next(iter(item.choices), ""),
        "person": "@ana",
        "list": "one,two",
    }
    return examples.get(item.type, "what you want to say")
