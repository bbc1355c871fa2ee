"""What may come next while somebody types `muster say …` in a shell: commands, playbooks, incidents, words of policy.

Belongs here: the words for the place the line is at. Does not belong here: reading the line for good
(commands/fields.py). It never fails and never waits: where policy or database cannot be read, less is offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args, get_origin

from bot.settings import Settings
from commands.command import TOPICS, Command, load_commands
from commands.fields import Field, fields_of
from commands.kinds import looks
from playbooks.engine.library import BUILT_IN, Library
from playbooks.engine.model import Input
from playbooks.errors import MusterError
from playbooks.policy import Policy, load_policy
from storage import incidents, runs
from storage.db import Database, Tx, Unreachable

WITHIN_S = 1.0
Words = list[tuple[str, str]]  # what may come next, and what it is


def line_words(settings: Callable[[], Settings], said: Sequence[str], incomplete: str) -> Words:
    """Words that continue a line. said: the whole words before; a line in quotes is one word and goes on inside it."""
    *inside, last = incomplete.split(" ") if incomplete else [""]
    before = [part for word in [*said, *inside] for part in word.split() if part]
    if before:
        before[0] = before[0].lstrip("/")
    head = " ".join(inside) + (" " if inside else "")
    found = _next(settings, before, last)
    slash = "/" if not before and last.startswith("/") else ""
    low = last.lstrip("/").lower() if not before else last.lower()
    return [(f"{head}{slash}{word}", what) for word, what in found if word.lower().startswith(low)]


def incident_words(settings: Callable[[], Settings], incomplete: str) -> Words:
    """Incidents that are open."""
    found = _known(settings, _open)
    return [(id, title) for id, title in found if id.lower().startswith(incomplete.lower())]


def playbook_words(incomplete: str) -> Words:
    """Playbooks by name."""
    return [(name, title) for name, title in Library().titles().items() if name.startswith(incomplete.lower())]


def _next(settings: Callable[[], Settings], said: list[str], last: str) -> Words:
    if not said:
        return [(topic, "") for topic in TOPICS]
    commands = load_commands()
    if len(said) == 1:
        mine = {words.split()[1]: cls for words, cls in commands.items() if words.split()[0] == said[0].lower()}
        return [(verb, cls.summary()) for verb, cls in mine.items() if cls.group]
    command = commands.get(" ".join(said[:2]).lower())
    return _arguments(settings, command, said[2:], last) if command else []


def _arguments(settings: Callable[[], Settings], command: type[Command], said: list[str], last: str) -> Words:
    fields = fields_of(command)
    asked = _inputs(fields, said)
    key, equals, _ = last.partition("=")
    if equals:
        field = next((one for one in fields if one.name == key), None)
        values = _values(settings, command, field) if field else _input_values(settings, asked.get(key))
        return [(f"{key}={value}", what) for value, what in values]
    given = {word.partition("=")[0] for word in said if "=" in word}
    offered = [word for place in _places(fields, said) for word in _values(settings, command, place)]
    offered += [(f"{one.name}=", one.description) for name, one in asked.items() if name not in given]
    return offered + [(f"{one.name}=", one.arg.say) for one in fields if one.arg.keyed and one.name not in given]


def _places(fields: Sequence[Field], said: Sequence[str]) -> list[Field]:
    """What the word that is typed now may be: one place of the line, and those behind it that it may stand before."""
    places = [one for one in fields if not one.arg.keyed and one.arg.kind != "inputs"]
    for word in (one for one in said if "=" not in one):
        while places and not places[0].required and not looks(places[0].arg.kind, word):
            places.pop(0)
        places = places[1:]
    last = next((at for at, one in enumerate(places) if one.required or looks(one.arg.kind, "")), len(places) - 1)
    return places[: last + 1]


def _values(settings: Callable[[], Settings], command: type[Command], field: Field) -> Words:
    if field.name == "playbook":
        return playbook_words("")
    if field.arg.kind in ("incident", "run"):
        return _known(settings, _open if field.arg.kind == "incident" else _going)
    if (policy := _policy(settings)) is not None:
        sections: dict[str, Any] = {
            "severity": policy.severities, "role": policy.roles, "service": policy.services,
            "level": policy.disaster_levels,
        }  # fmt: skip
        if (named := sections.get(field.arg.kind)) is not None:
            return _titled(named.items())
    annotation: Any = command.model_fields[field.name].annotation
    literal = get_args(annotation) if get_origin(annotation) is not None else ()
    return [(one, "") for one in field.arg.choices or literal if isinstance(one, str)]


def _inputs(fields: Sequence[Field], said: Sequence[str]) -> dict[str, Input]:
    """What a playbook that was named asks for."""
    if not said or not any(one.arg.kind == "inputs" for one in fields):
        return {}
    try:
        return {one.name: one for one in Library((BUILT_IN,)).find(said[0]).inputs}
    except MusterError:
        return {}


def _input_values(settings: Callable[[], Settings], asked: Input | None) -> Words:
    policy = _policy(settings)
    if asked is None or policy is None:
        return []
    sections: dict[str, Any] = {"service": policy.services, "site": policy.sites}
    if asked.name == "severity" and asked.type == "string":
        return _titled(policy.severities.items())
    if asked.type == "boolean":
        return [("yes", ""), ("no", "")]
    named = sections.get(asked.type)
    return _titled(named.items()) if named is not None else [(choice, "") for choice in asked.choices]


def _titled(named: Iterable[tuple[str, Any]]) -> Words:
    return [(name, str(getattr(one, "title", "") or "")) for name, one in named]


def _policy(settings: Callable[[], Settings]) -> Policy | None:
    try:
        return load_policy(settings().muster_config)
    except (MusterError, ValueError, OSError):
        return None


def _known(settings: Callable[[], Settings], work: Callable[[Tx], Words]) -> Words:
    """What the database knows, where it answers at once."""

    async def look() -> Words:
        async with asyncio.timeout(WITHIN_S), Database(settings().database_url) as db:
            return await db.read(work)

    try:
        return asyncio.run(look())
    except (MusterError, Unreachable, TimeoutError, ValueError, OSError):
        return []


def _open(tx: Tx) -> Words:
    return [(one.id, "restricted" if one.private else one.title) for one in incidents.open_ones(tx)]


def _going(tx: Tx) -> Words:
    return [
        (run.id, run.playbook) for one in incidents.open_ones(tx) for run in runs.of_incident(tx, one.id) if run.shown
    ]
