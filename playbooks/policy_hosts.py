"""The sections of muster.yaml about hosts and what may be run there by name.

Belongs here: their typed shapes, and what can be refused when the file is read: an argument that could become an
option or a second command, an undo that hurts more than what it takes back. Does not belong here: building the line
that is sent and reading its answer (host_commands.py), connecting (connectors/ssh.py).
"""

from __future__ import annotations

import posixpath
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from playbooks.action import Risk
from playbooks.durations import Duration
from playbooks.policy_sections import Address, Section, Word, Words
from playbooks.secrets import SecretRef

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
KEY = "key"  # the placeholder of Muster's own idempotency key: 32 hex digits
IDENTIFIER = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
PATH = r"/[A-Za-z0-9._/@+-]{1,500}"
INTERPRETERS = re.compile(r"(?:^|/)(?:ba|da|z|k)?sh$|(?:^|/)python3?$|(?:^|/)perl$")


class Host(Section):
    """A machine Muster may sign in to. address: name or name:port; key: the private key Muster signs in with.

    host_key: the host's public key ("ssh-ed25519 AAAA…"; several on lines of their own), or host_ca: the public key of
    the authority that signed it. Without either nobody knows whose machine answers, so one of them is required.
    via: ssh, or ssm with the `instance` id where the AWS agent runs the same commands.
    """

    name: str = ""
    title: str = ""
    site: str | None = None
    via: Literal["ssh", "ssm"] = "ssh"
    address: Address = ""
    user: str = "muster"
    key: SecretRef | None = None
    host_key: Address = ""
    host_ca: Address = ""
    instance: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Host:
        if self.via == "ssm" and not self.instance:
            raise ValueError("a host via ssm needs its instance id")
        if self.via == "ssh" and not (self.address and self.key):
            raise ValueError("a host needs address and key")
        if self.via == "ssh" and not (self.host_key or self.host_ca):
            raise ValueError("a host needs host_key or host_ca: without it nobody knows whose machine answers")
        return self


class Argument(Section):
    """A value a command takes. Whatever its type, it never begins with a hyphen and is one word for the program.

    choice: one of `choices`. integer: from `least` to `most`. path: a file below the folder `below`. identifier:
    letters, digits, `_`, `.`, `-`. name: matches `pattern` as a whole. time: ISO 8601, passed on in UTC.
    """

    type: Literal["choice", "integer", "path", "identifier", "name", "time"]
    description: str = ""
    choices: Words = ()
    least: int = Field(default=0, ge=0)
    most: int = 1_000_000
    below: str = ""
    pattern: str = ""
    default: Word | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Argument:
        if self.type == "choice" and not self.choices:
            raise ValueError("a choice needs choices")
        if self.type == "path" and (not self.below.startswith("/") or posixpath.normpath(self.below) in ("/", "//")):
            raise ValueError("a path needs `below`, an absolute folder that is not the root")
        if self.type == "name":
            if not self.pattern:
                raise ValueError("a name needs a pattern")
            re.compile(self.pattern)
        if self.default is not None:
            self.text(self.default)
        return self

    def text(self, value: str | int) -> str:
        """The value as the program gets it. Raises ValueError saying what it must be."""
        given = str(value).strip()
        if not given or given.startswith("-") or not given.isprintable() or len(given) > 500:
            raise ValueError(f"{given[:40]!r} is no value (one line, not empty, no hyphen in front)")
        return {"choice": self._choice, "integer": self._integer, "path": self._path, "time": self._time}.get(
            self.type, self._name
        )(given)

    def _choice(self, given: str) -> str:
        if given not in self.choices:
            raise ValueError(f"{given!r} is none of {', '.join(self.choices)}")
        return given

    def _integer(self, given: str) -> str:
        if not re.fullmatch(r"[0-9]{1,18}", given) or not self.least <= int(given) <= self.most:
            raise ValueError(f"{given!r} is no whole number from {self.least} to {self.most}")
        return str(int(given))

    def _path(self, given: str) -> str:
        folder = posixpath.normpath(self.below)
        plain = posixpath.normpath(given)
        if not re.fullmatch(PATH, given) or ".." in given.split("/") or not plain.startswith(f"{folder}/"):
            raise ValueError(f"{given!r} is no path below {folder}")
        return plain

    def _time(self, given: str) -> str:
        try:
            at = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError(f"{given!r} is no time; write it like 2026-11-20T02:00:00Z") from None
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _name(self, given: str) -> str:
        pattern = self.pattern if self.type == "name" else IDENTIFIER
        if not re.fullmatch(pattern, given, re.ASCII):
            raise ValueError(f"{given!r} does not match {pattern}")
        return given


class Rows(Section):
    """What each row of the output says: JSON, one object a line or one array. Fails when one row is wrong.

    path: where in a row; is: the values that are right; count: how many rows there must be at least; name: where a
    row's own name stands, for words.
    """

    path: str
    is_: Words = Field(alias="is", min_length=1)
    count: int = Field(default=1, ge=1)
    name: str = "Name"


class Expects(Section):
    """What a command's answer must be. All that is given must hold.

    exit: exit statuses that are right. pattern: a regular expression found in the output; its named groups become
    values. says: JSON path -> value, of an output that is one JSON object (or array). rows: see there.
    least, most: bounds of values that are numbers. after_start: a value that is a time, which must not lie before the
    step began (less `skew`), so that what was there before is not taken for what the step did.
    """

    exit: tuple[int, ...] = (0,)
    pattern: str = ""
    says: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    rows: Rows | None = None
    least: dict[str, float] = Field(default_factory=dict)
    most: dict[str, float] = Field(default_factory=dict)
    after_start: str = ""
    skew: Duration = timedelta(seconds=5)

    @model_validator(mode="after")
    def _named(self) -> Expects:
        if self.pattern:
            known = {*re.compile(self.pattern, re.MULTILINE).groupindex}
        else:
            known = set()
        wanted = {*self.least, *self.most, *([self.after_start] if self.after_start else [])}
        if missing := sorted(wanted - known - {*self.says}):
            raise ValueError(f"{', '.join(missing)} is no named group of the pattern and no path of says")
        return self


def _follow(value: Any) -> Any:
    return {"command": value} if isinstance(value, str) else value


class _Follow(Section):
    """Another command by name. with: its arguments, in which `{name}` is an argument of the command that names it.

    Arguments of the same name are passed on without being listed.
    """

    command: str
    with_: dict[str, Word] = Field(default_factory=dict, alias="with")


Follow = Annotated[_Follow, BeforeValidator(_follow)]
"""A command's name, or {command, with}."""


class Command(Section):
    """One thing that may be run on a host, by name. No shell reads it: each part of argv is one word for the program.

    hosts: where. argv: the program and its words, with `{argument}` and `{key}` put in. cwd: the folder it runs in.
    risk: as of actions; read commands run in dry runs and unasked. again: safe when it may simply be begun again after
    it was cut off in the middle. timeout: the longest it may take. expects: what a good answer is. before: a read
    command that must be right first. probe: a read command that says whether it took. undo: what takes it back.
    nothing_done: exit statuses by which the program says that it changed nothing. also: commands whose effect it has
    too, with arguments of the same names; what one of them takes back, this one takes back.
    """

    name: str = ""
    title: str
    hosts: tuple[str, ...] = Field(min_length=1)
    argv: Words = Field(min_length=1)
    cwd: str = ""
    arguments: dict[str, Argument] = Field(default_factory=dict)
    risk: Literal["read", "write", "contain", "recoverable", "irreversible"]
    again: Literal["never", "safe"] = "never"
    timeout: Duration = timedelta(minutes=1)
    expects: Expects = Expects()
    before: Follow | None = None
    probe: Follow | None = None
    undo: Follow | None = None
    nothing_done: tuple[int, ...] = ()
    also: tuple[str, ...] = ()
    warning: str = ""

    @property
    def hurts(self) -> Risk:
        """Its risk as actions have it."""
        return Risk[self.risk.upper()]

    @model_validator(mode="after")
    def _sound(self) -> Command:
        used = {name for part in self.argv for name in PLACEHOLDER.findall(part)}
        if unknown := sorted(used - {*self.arguments, KEY}):
            raise ValueError(f"argv uses {', '.join(unknown)}, which is no argument")
        if unused := sorted({*self.arguments} - used):
            raise ValueError(f"the argument {', '.join(unused)} is not used in argv")
        if KEY in self.arguments:
            raise ValueError(f"{KEY} is Muster's own key and cannot be an argument")
        if PLACEHOLDER.search(self.argv[0]):
            raise ValueError("the program itself cannot be an argument")
        if self.cwd and not self.cwd.startswith("/"):
            raise ValueError("cwd is an absolute folder")
        self._no_script_from_arguments()
        if self.risk == "contain" and self.undo is None:
            raise ValueError("a command that only closes access (contain) names its undo")
        if self.risk in ("read", "irreversible") and self.undo is not None:
            raise ValueError(f"a command of risk {self.risk} has no undo")
        if self.risk == "read" and (self.before or self.probe):
            raise ValueError("a read command needs neither before nor probe")
        return self

    def _no_script_from_arguments(self) -> None:
        """`sh -c 'text'` is fine as long as no argument becomes part of the text; it takes them as $1, $2."""
        runs = any(INTERPRETERS.search(part) for part in self.argv)
        scripts = [self.argv[at + 1] for at, part in enumerate(self.argv[:-1]) if re.fullmatch(r"-[a-z]*[ce]", part)]
        if runs and any(PLACEHOLDER.search(script) for script in scripts):
            raise ValueError("an argument may not become part of a script; pass it behind the script, as $1")
