"""From a line of text to a command and back: by position, `key=value`, quoted, and one greedy field for the rest.

Belongs here: which word belongs to which field, what is missing or too much, writing the line of a command. Does not
belong here: cutting text (reading.py), what one word means (kinds.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from commands.command import Command
from commands.kinds import GREEDY, MENTIONS, Arg, Around, is_clock, like_clock, looks, read, read_time
from commands.reading import Token, clean, cut, plain, quote
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.reading import nearest

__all__ = ["INPUTS", "Arg", "Field", "fields_of", "line_of", "parse", "usage"]

C = TypeVar("C", bound=Command)
INPUTS = "inputs."  # before the name of a playbook's input, as a form's field travels
TRAILING = timedelta(hours=12)  # "... at 14:05" at the end of a text is a back-date only when it is this recent


@dataclass(frozen=True)
class Field:
    """One field of a command with how it is given."""

    name: str
    arg: Arg
    required: bool
    default: Any


def fields_of(cls: type[Command]) -> tuple[Field, ...]:
    """The fields of a command in the order of their positions: what parser, help, modal and CLI flags are made from."""
    return tuple(
        Field(
            name,
            next((m for m in info.metadata if isinstance(m, Arg)), Arg()),
            info.is_required(),
            info.get_default(call_default_factory=True),
        )
        for name, info in cls.model_fields.items()
    )


def usage(cls: type[Command]) -> str:
    """`/incident declare <severity> <title…> [service=…]`"""
    said = [f"/{cls.words}"]
    for field in fields_of(cls):
        if field.arg.kind == "inputs":
            said.append("[name=value …]")
            continue
        name = field.name.rstrip("_")
        word = f"{name}=…" if field.arg.keyed else f"{name}…" if field.arg.kind in GREEDY else name
        said.append(f"<{word}>" if field.required else f"[{word}]")
    return " ".join(said)


def example_of(cls: type[Command]) -> str:
    """A line that works, without the slash."""
    return cls.examples[0] if cls.examples else cls.words


def parse(cls: type[C], text: str, *, policy: Policy, now: datetime, values: Mapping[str, Any] | None = None) -> C:
    """The command a line (without its words) asks for; `values` are a form's fields, taken as they are.

    Raises Refused naming everything that is missing or wrong, the nearest right word and a line that works.
    """
    around = Around(policy, now, example_of(cls))
    found = _Line(cls, clean(text), around).read()
    for field in fields_of(cls):
        if (value := (values or {}).get(field.name)) not in (None, ""):
            found[field.name] = _value(field, value, around)
        elif field.arg.kind == "inputs" and (asked := _asked(values or {})):
            found[field.name] = {**found.get(field.name, {}), **asked}
    _missing(cls, found, around)
    return cls(**found)


def wrong_in(cls: type[Command], values: Mapping[str, Any], policy: Policy, now: datetime) -> dict[str, str]:
    """What cannot be read of a form's fields, each by itself: field -> words, without the line to type."""
    around, wrong = Around(policy, now, example_of(cls)), {}
    for field in fields_of(cls):
        if field.arg.kind == "inputs" or (value := values.get(field.name)) in (None, ""):
            continue
        try:
            _value(field, value, around)
        except Refused as no:
            wrong[field.name] = no.message.replace("*", "")
    return wrong


def _value(field: Field, value: Any, around: Around) -> Any:
    if field.arg.kind == "inputs":
        return {str(key): clean(str(item)) for key, item in dict(value).items()}
    return read(field.arg, field.name, clean(str(value)).strip(), around)


def _asked(values: Mapping[str, Any]) -> dict[str, str]:
    """What a form says for a playbook's inputs."""
    named = {name.removeprefix(INPUTS): clean(str(value)) for name, value in values.items() if name.startswith(INPUTS)}
    return {name: value for name, value in named.items() if value.strip()}


def _missing(cls: type[Command], found: Mapping[str, Any], around: Around) -> None:
    lacking = [field for field in fields_of(cls) if field.required and found.get(field.name) in (None, "")]
    if lacking:
        named = " and ".join(f"*{_called(field)}*{_described(field, around.policy)}" for field in lacking)
        raise around.refuse(f"It needs {named}.")


def _called(field: Field) -> str:
    return field.name.strip("_").replace("_", " ")


def _described(field: Field, policy: Policy) -> str:
    sections: dict[str, Iterable[str]] = {
        "severity": policy.severities, "role": policy.roles, "service": policy.services,
        "level": policy.disaster_levels,
    }  # fmt: skip
    if known := list(sections.get(field.arg.kind, field.arg.choices)):
        return f" (one of: {', '.join(known)})"
    return f" ({field.arg.say})" if field.arg.say else ""


class _Line:
    """One line being read into the fields of one class."""

    def __init__(self, cls: type[Command], text: str, around: Around) -> None:
        self.fields = fields_of(cls)
        self.text = text
        self.around = around
        self.tokens = cut(text)
        self.found: dict[str, Any] = {}
        self.cuts: list[Token] = []

    def read(self) -> dict[str, Any]:
        """All fields the line gives."""
        self._keys()
        words = [token for token in self.tokens if token not in self.cuts]
        for field in self.fields:
            if field.arg.kind in GREEDY:
                words = self._greedy(field, words)
            elif not field.arg.keyed and field.arg.kind != "inputs" and field.name not in self.found:
                words = self._position(field, words)
        if words:
            raise self.around.refuse(f"I do not know what to do with *{plain(words[0].value)}*.")
        return self.found

    def _keys(self) -> None:
        """Take `key=value` words wherever they stand; in a greedy text only those whose key is a field."""
        names = {field.name: field for field in self.fields if field.arg.kind not in (*GREEDY, "inputs")}
        inputs = next((field for field in self.fields if field.arg.kind == "inputs"), None)
        greedy = next((field for field in self.fields if field.arg.kind in GREEDY), None)
        for token in self.tokens:
            key = token.key.lower().replace("-", "_")
            key = f"{key}_" if f"{key}_" in names else key  # `from=`, which Python keeps for itself, is the field from_
            if key in names:
                if key in self.found:
                    raise self.around.refuse(f"*{key}* is given twice.")
                value = token.value if names[key].arg.kind in MENTIONS else plain(token.value)
                self.found[key] = read(names[key].arg, key, value, self.around)
            elif key and inputs:
                self._input(inputs.name, token)
            elif greedy and key == greedy.name and token.quoted and key not in self.found:
                self.found[key] = read(greedy.arg, key, plain(token.value), self.around)
            else:
                self._stray(key, names, greedy is not None)
                continue
            self.cuts.append(token)

    def _input(self, name: str, token: Token) -> None:
        given = self.found.setdefault(name, {})
        if token.key in given:
            raise self.around.refuse(f"*{token.key}* is given twice.")
        given[token.key] = token.value if token.value.startswith("<@") else plain(token.value)

    def _stray(self, key: str, names: Mapping[str, Field], greedy: bool) -> None:
        if not key:
            return
        close = nearest(key, [name for name in names if name not in ("incident", "at")])
        if close and (not greedy or len(set(key) ^ set(close)) <= 1):
            raise self.around.refuse(f"There is no *{key}=* here. Did you mean *{close}=*?")
        if not greedy:
            raise self.around.refuse(f"There is no *{key}=* here.")

    def _position(self, field: Field, words: list[Token]) -> list[Token]:
        if not words:
            return words
        first = words[0]
        value = first.value if field.arg.kind in MENTIONS else plain(first.value)
        if not field.required and (first.quoted or not looks(field.arg.kind, value)):
            return words  # what stands in quotes is never taken for an optional incident, run or digest
        used = 1
        if field.arg.kind == "severity" and value.lower() in ("sev", "severity", "p") and len(words) > 1:
            value, used = value + words[1].value, 2
        self.found[field.name] = read(field.arg, field.name, value, self.around)
        return words[used:]

    def _greedy(self, field: Field, words: list[Token]) -> list[Token]:
        if field.name in self.found:
            return words
        for timed in (one for one in self.fields if one.arg.lead and one.name not in self.found):
            words = self._led(timed, words)
        if words:
            text = words[0].value if len(words) == 1 and words[0].quoted and not words[0].key else self._text(words)
            self.found[field.name] = read(field.arg, field.name, plain(text), self.around)
        return []

    def _led(self, field: Field, words: list[Token]) -> list[Token]:
        """`at 14:05` before the text, or after it when it is recent ("the meeting is at 15:00" is a text)."""
        for place in (0, len(words) - 2):
            if place < 0 or len(words) < 2 or words[place].quoted or words[place].value.lower() != field.arg.lead:
                continue
            said = plain(words[place + 1].value)
            if place and not is_clock(said):
                continue
            try:
                when = read_time(said, self.around)
            except Refused:
                if like_clock(said):  # meant as a time, and none: kept as text it would date the entry wrongly
                    raise self.around.refuse(
                        f"*{said}* is not a time. Write 14:05 (UTC) or 2026-11-22T14:05Z. What is text may stand in "
                        "quotes. Nothing was written down."
                    ) from None
                continue
            if place and self.around.now - when > TRAILING:
                continue
            self.found[field.name] = when
            return words[2:] if place == 0 else words[:-2]
        return words

    def _text(self, words: list[Token]) -> str:
        """The text as typed from the first of these words to the last, without the keys that stood between."""
        start, end = words[0].start, words[-1].end
        out = ""
        for token in self.cuts:
            if start <= token.start and token.end <= end:
                out += self.text[start : token.start].rstrip() + " "
                start = token.end
                while start < end and self.text[start].isspace():
                    start += 1
        return out + self.text[start:end]


def line_of(command: Command) -> str:
    """The line that `parse` reads back to an equal command (of the same class), with its words."""
    cls = type(command)
    head: list[str] = [cls.words]
    tail: list[str] = []
    gap = False
    for field in fields_of(cls):
        value = getattr(command, field.name)
        if field.arg.kind == "inputs":
            head += [f"{key}={quote(str(item))}" for key, item in value.items()]
        elif field.arg.kind in GREEDY:
            tail += [_greedy_text(value)] if value else []
        elif value == field.default or value is None:
            gap = True
        else:
            text = quote(value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value))
            keyed = field.arg.keyed or gap
            head.append(f"{field.name.rstrip('_')}={text}" if keyed else text)
    return " ".join([*head, *tail])


def _greedy_text(value: str) -> str:
    """Always in quotes: what stands in them is never read as a key, a time or an incident."""
    quoted = quote(value)
    return quoted if quoted.startswith('"') else f'"{quoted}"'
