"""Commands of the policy as lines for a host, and what their output says. Pure functions.

Belongs here: filling argv from typed arguments, quoting, judging an answer by `expects`, cutting and masking output.
Does not belong here: the shapes (policy_hosts.py), connecting and receipts (connectors/).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from playbooks.errors import Refused
from playbooks.policy_hosts import KEY, PLACEHOLDER, Command, Expects, Follow, Rows
from playbooks.reading import hint

HEAD, TAIL = 1500, 2000  # characters kept of an output: an engine's text holds 4,000
MASK = "‹redacted›"
# What looks like a secret whoever wrote it: named values, tokens of known makers, private keys, passwords in addresses.
SECRETS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(://[^\s:/@]*:)[^\s@/]+(@)"), rf"\1{MASK}\2"),
    (
        re.compile(
            r"(?i)((?<![\w.-])[\w.-]*"  # from the beginning of a word only: else a long one takes its length squared
            r"(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)"
            r"[\w.-]*[\"']?\s*[=:]\s*)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"'}]+)"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), MASK),
    (re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[a-z]-[\w-]{8,}|sk_(?:live|test)_\w{8,}|glpat-[\w-]{12,})"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"), MASK),
)


@dataclass(frozen=True)
class Judged:
    """matched: whether the answer is as expected. why: what is wrong, "" when nothing is. values: what it says."""

    matched: bool
    why: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def filled(command: Command, given: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as the program gets them, defaults in place. Raises Refused naming the one that is wrong."""
    if unknown := sorted({*given} - {*command.arguments}):
        near = hint(unknown[0], command.arguments)
        raise Refused(f"{command.name} takes no {', '.join(unknown)}{near}.", todo=takes(command))
    found = {}
    for name, argument in command.arguments.items():
        value = given.get(name, argument.default)
        if value is None or isinstance(value, bool) or not isinstance(value, str | int):
            raise Refused(f"{command.name} needs {name}, a text or a whole number.", todo=takes(command))
        try:
            found[name] = argument.text(value)
        except ValueError as wrong:
            raise Refused(f"{command.name} cannot take this {name}: {wrong}.", todo=takes(command)) from None
    return found


def takes(command: Command) -> str:
    """What a command takes, in words."""
    listed = [
        f"{name} ({', '.join(one.choices) if one.type == 'choice' else one.type})"
        for name, one in command.arguments.items()
    ]
    return f"{command.name} takes {', '.join(listed)}." if listed else f"{command.name} takes no arguments."


def argv_of(command: Command, values: Mapping[str, str], key: str) -> list[str]:
    """The program and its words. Each stays one word, whatever it holds."""
    known = {**values, KEY: key}
    return [PLACEHOLDER.sub(lambda match: known[match[1]], part) for part in command.argv]


def line_of(argv: Collection[str], cwd: str = "") -> str:
    """One line for a POSIX shell that does exactly this: quoted, in the folder."""
    line = shlex.join(argv)
    return f"cd {shlex.quote(cwd)} && {line}" if cwd else line


def shown(command: Command, values: Mapping[str, str]) -> str:
    """The line as people approve it; `{key}` stands where Muster's own key will be."""
    return shlex.join(argv_of(command, values, f"{{{KEY}}}")) + (f" (in {command.cwd})" if command.cwd else "")


def passed_on(follow: Follow, values: Mapping[str, str], to: Command) -> dict[str, str]:
    """The arguments for the command that follows: those listed, and those of the same name."""
    listed = {
        name: PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text) for name, text in follow.with_.items()
    }
    return {name: value for name, value in values.items() if name in to.arguments} | listed


def judge(expects: Expects, status: int, output: str, *, began: datetime | None = None) -> Judged:
    """Whether an answer is as expected. began: when the step started, for `after_start`."""
    if status not in expects.exit:
        return Judged(False, f"it ended with {status}", _values(expects, output))
    values = _values(expects, output)
    for wrong in (_pattern(expects, output), _said(expects, values), _bounds(expects, values)):
        if wrong:
            return Judged(False, wrong, values)
    if expects.rows is not None and (wrong := _rows(expects.rows, output)):
        return Judged(False, wrong, values)
    if expects.after_start and began is not None and (wrong := _fresh(expects, values, began)):
        return Judged(False, wrong, values)
    return Judged(True, "", values)


def _values(expects: Expects, output: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if expects.pattern and (match := re.search(expects.pattern, output, re.MULTILINE)):
        found |= {name: value for name, value in match.groupdict().items() if value is not None}
    if expects.says:
        try:
            place: Any = json.loads(output)
        except ValueError:
            place = None
        found |= {path: at(place, path) for path in expects.says}
    return found


def at(place: Any, path: str) -> Any:
    """What stands at a dotted path ("State.Health.Status", "0.Name"); None where there is nothing."""
    for part in path.split("."):
        if isinstance(place, dict):
            place = place.get(part)
        elif isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        else:
            return None
    return place


def _pattern(expects: Expects, output: str) -> str:
    if expects.pattern and not re.search(expects.pattern, output, re.MULTILINE):
        return f"its output has no {expects.pattern}"
    return ""


def _said(expects: Expects, values: Mapping[str, Any]) -> str:
    for path, wanted in expects.says.items():
        if path not in expects.least and path not in expects.most and values.get(path) != wanted:
            return f"{path} is {json.dumps(values.get(path))}, not {json.dumps(wanted)}"
    return ""


def _bounds(expects: Expects, values: Mapping[str, Any]) -> str:
    for bounds, word in ((expects.least, "less than"), (expects.most, "more than")):
        for name, bound in bounds.items():
            try:
                value = float(values.get(name))  # type: ignore[arg-type]  # None and words end in the except
            except (TypeError, ValueError):
                return f"{name} is {json.dumps(values.get(name))}, which is no number"
            if (value < bound) if bounds is expects.least else (value > bound):
                return f"{name} is {value:g}, {word} {bound:g}"
    return ""


def _rows(wanted: Rows, output: str) -> str:
    """Every row must be right and there must be enough of them: one healthy container of many proves nothing."""
    try:
        whole = json.loads(output)
        rows = whole if isinstance(whole, list) else [whole]
    except ValueError:
        try:
            rows = [json.loads(line) for line in output.splitlines() if line.strip()]
        except ValueError:
            return "its output is not one JSON object a line"
    bad = [row for row in rows if str(at(row, wanted.path)) not in wanted.is_]
    if bad:
        named = ", ".join(f"{at(row, wanted.name) or '?'} is {at(row, wanted.path) or 'nothing'}" for row in bad[:5])
        return f"{len(rows) - len(bad)} of {len(rows)} are right: {named}"
    if len(rows) < wanted.count:
        return f"{len(rows)} rows, {wanted.count} expected"
    return ""


def _fresh(expects: Expects, values: Mapping[str, Any], began: datetime) -> str:
    said = str(values.get(expects.after_start))
    try:
        when = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", said))
    except ValueError:
        return f"{expects.after_start} is {said}, which is no time"
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    if when < began - expects.skew:
        return f"{expects.after_start} is {when:%H:%M:%S}, before this began ({began:%H:%M:%S})"
    return ""


def masked(text: str, known: Collection[str] = ()) -> str:
    """The text without what is or looks like a secret. known: values of secrets that may stand in it."""
    for value in sorted((one for one in known if len(one) >= 6), key=len, reverse=True):
        text = text.replace(value, MASK)
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


def bounded(text: str) -> str:
    """Head and tail of a long output, saying how much is missing; control characters but line ends are dropped."""
    plain = "".join(one for one in text.replace("\r\n", "\n").replace("\r", "\n") if one in "\n\t" or one.isprintable())
    if len(plain) <= HEAD + TAIL:
        return plain
    left = len(plain) - HEAD - TAIL
    return f"{plain[:HEAD]}\n[… {left} characters …]\n{plain[-TAIL:]}"
