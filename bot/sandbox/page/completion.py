"""What may come next while somebody types: commands, playbooks, incidents, people, words of the policy.

Belongs here: the options for the last word of a line, from the registry itself. Does not belong here: reading the line
for good (commands/fields.py), the list that drops down (static/composer.js).
"""

from __future__ import annotations

import asyncio
import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from commands.command import Command, load_commands
from commands.fields import Field, fields_of
from playbooks.engine.library import BUILT_IN, Library
from playbooks.errors import Refused
from playbooks.policy import Policy, load_policy

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

EXAMPLE = BUILT_IN.parents[1] / "muster.example.yaml"
MOST = 40
INCIDENT = re.compile(r"INC-\d+")
Option = tuple[str, str]  # what is inserted, what it means


class Completion:
    """Options for one sandbox. The policy is the file MUSTER_CONFIG names, as the Muster beside the sandbox has it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._commands = load_commands()
        self._library = Library()

    @cached_property
    def _policy(self) -> Policy | None:
        try:
            return load_policy(Path(os.environ.get("MUSTER_CONFIG") or EXAMPLE))
        except Refused:
            return None  # Muster itself says what is wrong with it

    @cached_property
    def _playbooks(self) -> list[str]:
        """By their files, unread: reading them all takes seconds."""
        return sorted(file.relative_to(BUILT_IN).with_suffix("").as_posix() for file in BUILT_IN.rglob("*.yaml"))

    async def options(self, text: str, user: str) -> dict[str, Any]:
        """{start, options: [{insert, hint}]}: `text[:start] + insert` is the line with the option taken."""
        start = max(text.rfind(" "), text.rfind("\n")) + 1
        word = text[start:]
        found = await asyncio.to_thread(self._options, text[:start], word)
        low = word.lower()
        fit = [one for one in found if one[0].lower().startswith(low) and one[0] != word]
        if len(low) > 1:
            fit += [one for one in found if low in one[0].lower() and one not in fit and one[0] != word]
        return {"start": start, "options": [{"insert": insert, "hint": hint} for insert, hint in fit[:MOST]]}

    def _options(self, before: str, word: str) -> list[Option]:
        if word.startswith("@"):
            return self._people()
        if not before and word.startswith("/"):
            topics = {words.split()[0] for words in self._commands}
            return [(f"/{topic} ", "") for topic in sorted(topics)]
        if not before.startswith("/"):
            return []
        said = before[1:].split()
        if len(said) == 1:
            return self._verbs(said[0])
        command = self._commands.get(" ".join(said[:2]).lower())
        return self._arguments(command, said[2:], word) if command else []

    def _verbs(self, topic: str) -> list[Option]:
        rows = [(words.split()[1], one) for words, one in self._commands.items() if words.split()[0] == topic]
        return [(f"{verb} " if fields_of(one) else verb, one.summary()) for verb, one in rows]

    def _people(self) -> list[Option]:
        world = self.sandbox.world
        people = [(f"@{u.name} ", u.real_name) for u in world.users.values() if not (u.deleted or u.is_bot)]
        return [*people, *((f"@{g.handle} ", "group") for g in world.groups.values())]

    def _arguments(self, command: type[Command], said: list[str], word: str) -> list[Option]:
        fields = fields_of(command)
        inputs = self._inputs(fields, said)
        key, equals, _ = word.partition("=")
        if equals:
            field = next((one for one in fields if one.name == key), None)
            values = self._values(command, field) if field else inputs.get(key, [])
            return [(f"{key}={value} ", hint) for value, hint in values]
        given = {one.partition("=")[0] for one in said if "=" in one}
        plain = [one for one in fields if not one.arg.keyed and one.arg.kind != "inputs"]
        at = sum("=" not in one for one in said)
        here = plain[at] if at < len(plain) else None
        offered = [(f"{value} ", hint) for value, hint in self._values(command, here)] if here else []
        offered += [(f"{name}=", "") for name in inputs if name not in given]
        keyed = [one for one in fields if one.arg.keyed and one.name not in given]
        return offered + [(f"{one.name}=", one.arg.say) for one in keyed]

    def _inputs(self, fields: tuple[Field, ...], said: list[str]) -> dict[str, list[Option]]:
        """What a playbook that is named asks for, with its choices."""
        if not said or not any(one.arg.kind == "inputs" for one in fields):
            return {}
        try:
            playbook = self._library.find(said[0])
        except Refused:
            return {}
        policy = self._policy
        services = [(name, one.title) for name, one in policy.services.items()] if policy else []
        return {
            one.name: services if one.type == "service" else [(choice, "") for choice in one.choices]
            for one in playbook.inputs
        }

    def _values(self, command: type[Command], field: Field | None) -> list[Option]:
        if field is None:
            return []
        kind, policy = field.arg.kind, self._policy
        if field.name == "playbook":
            return [(name, "") for name in self._playbooks]
        if kind == "incident":
            return [(name, "") for name in self._incidents()]
        if kind in ("person", "account", "anybody"):
            return self._people()
        if policy is not None and kind == "severity":
            return [(name, one.title) for name, one in policy.severities.items()]
        if policy is not None and kind == "role":
            return [(name, one.title) for name, one in policy.roles.items()]
        if policy is not None and kind == "service":
            return [(name, one.title) for name, one in policy.services.items()]
        if policy is not None and kind == "level":
            return [(name, one.title) for name, one in policy.disaster_levels.items()]
        annotation: Any = command.model_fields[field.name].annotation
        literal = get_args(annotation) if get_origin(annotation) is not None else ()
        return [(str(one), "") for one in field.arg.choices or literal if isinstance(one, str)]

    def _incidents(self) -> list[str]:
        """Those the workspace has spoken of, the newest first."""
        said = [m.text for c in self.sandbox.world.channels.values() if not c.is_private for m in c.messages]
        found = {name for text in said for name in INCIDENT.findall(text)}
        return sorted(found, key=lambda name: -int(name.removeprefix("INC-")))
