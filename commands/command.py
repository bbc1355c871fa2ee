"""What a person may ask: Command, Reply and the registry.

Belongs here: the contract of a command and finding one by its words. Does not belong here: any verb (one file each
below `commands/<topic>/`), the one dispatch every door goes through (dispatch.py), nor how a reply looks in Slack or a
terminal (bot/render).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator

from commands.house import House
from playbooks.directory import Person
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident

TOPICS = ("incident", "playbook")
Place = Literal["nowhere", "here", "incident"]


# `<reason>` in a line to type: to Slack all in angle brackets is a mention or an address, and it would vanish.
_STAND_IN = re.compile(r"<(?![@#!]|[a-z]+:)([^<>|]*)>")


class Button(BaseModel):
    """A command somebody else typed. line: what pressing it asks ("playbook approve INC-42/2 9f2c…")."""

    model_config = ConfigDict(frozen=True)
    label: str
    line: str
    style: str = ""
    confirm: str = ""
    asks: str = ""  # opens a small form for this field first ("reason")


class Reply(BaseModel):
    """The direct answer to the person who asked. Text in Slack's mrkdwn; one idea a line; never "something went wrong".

    ok False marks a refusal or failure (for metrics and the terminal's exit code). document: id of a kept text that
    the terminal prints and Slack links. data: machine-readable form for `--json`.
    """

    text: str
    ok: bool = True
    buttons: tuple[Button, ...] = ()
    document: str | None = None
    data: dict[str, Any] = {}

    @field_validator("text")
    @classmethod
    def _stand_ins(cls, text: str) -> str:
        return _STAND_IN.sub(r"&lt;\1&gt;", text)


Actor = Person  # who asks, decided on rows: account, person (None: `why_not` says why), name, groups, admin


@dataclass
class Call:
    """Everything `act` is handed inside the transaction: who, what was asked, the open transaction, the house, where.

    incident: the one it is about (the channel's or the named one), None where there is none.
    """

    ask: Ask
    actor: Actor
    tx: Tx
    house: House
    incident: Incident | None = None

    @property
    def person(self) -> str:
        """The person who asks. Only for commands that strangers cannot reach (`who` is not "anyone")."""
        if self.actor.person is None:
            raise Refused(self.actor.why_not or "Muster does not know who you are.")
        return self.actor.person

    @property
    def here(self) -> Incident:
        """The incident it is about. Only for commands whose place is "incident"."""
        if self.incident is None:
            raise Refused("Which incident?", todo="`/incident list` shows them.")
        return self.incident


class Command(BaseModel):
    """Base of all commands. Fields are the arguments: parser, help, modal and CLI flags come from them.

    How each field is given stands beside its type: `title: Annotated[str, Arg("line", "what is wrong")]` (kinds.py).
    place: "nowhere" (no incident), "here" (the channel's or the named one, or none), "incident" (refused without one).
    """

    model_config = ConfigDict(extra="forbid")

    words: ClassVar[str] = ""
    group: ClassVar[str] = ""
    who: ClassVar[str] = (
        "everyone"  # a key of policy.permissions; "everyone": every person; "anyone": it decides itself
    )
    examples: ClassVar[tuple[str, ...]] = ()
    fresh: ClassVar[bool] = False  # asks older than policy's ask_max_age are answered "too late, press again"
    place: ClassVar[Place] = "nowhere"
    proves: ClassVar[bool] = False  # takes the one-time code of a terminal's ask itself, and records the attempt

    async def before(self, ask: Ask, house: House) -> Any:
        """Outside looks before the transaction (refresh the directory, a dry run). Never writes."""
        return None

    def act(self, call: Call, seen: Any) -> Reply:
        """Decide and write, inside one transaction. Raises playbooks.errors.Refused to say no."""
        raise NotImplementedError  # the contract: who needs it brings it (house tests)

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """Whether this line should open a modal instead (e.g. `/incident declare` alone)."""
        return False

    @classmethod
    def check(cls, values: Mapping[str, str], house: House) -> dict[str, str]:
        """Form checks inside the acknowledgement: field -> what is wrong. No outside call."""
        return {}

    @classmethod
    def by_hand(cls, policy: Policy) -> str:
        """What a person does instead when Muster itself breaks (the on-call's phone), or ""."""
        return ""

    @classmethod
    def summary(cls) -> str:
        """First line of the docstring: its line of help."""
        return (cls.__doc__ or "").strip().splitlines()[0]


_registry: dict[str, type[Command]] = {}
C = TypeVar("C", bound=type[Command])


def command(
    words: str,
    *,
    who: str = "everyone",
    group: str = "",
    examples: tuple[str, ...] = (),
    fresh: bool = False,
    place: Place = "nowhere",
) -> Callable[[C], C]:
    """Declare a command. `@command("incident declare")` must live in `commands/incident/declare.py`."""

    def declare(cls: C) -> C:
        topic, _, verb = words.partition(" ")
        expected = f"commands.{topic}.{verb.replace('-', '_')}"
        if cls.__module__ != expected:
            raise TypeError(f"command {words!r} must live in {expected}, not {cls.__module__}")
        cls.words, cls.who, cls.group, cls.examples, cls.fresh, cls.place = words, who, group, examples, fresh, place
        _registry[words] = cls
        return cls

    return declare


def load_commands() -> Mapping[str, type[Command]]:
    """Import every verb and return the registry, words -> class, in a stable order."""
    for topic in TOPICS:
        package = importlib.import_module(f"commands.{topic}")
        for module in pkgutil.iter_modules(package.__path__, f"commands.{topic}."):
            importlib.import_module(module.name)
    return MappingProxyType(dict(sorted(_registry.items())))
