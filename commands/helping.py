"""Help generated from the commands: grouped, one line each, one screen; or one command with everything it takes.

Belongs here: the text. Does not belong here: what commands say of themselves (their docstrings and fields).
"""

from __future__ import annotations

from commands.command import Command, Reply, load_commands
from commands.fields import fields_of, usage
from commands.words import lines
from playbooks.errors import Refused
from playbooks.reading import nearest


def help_for(topic: str, verb: str = "") -> Reply:
    """The topic's commands by group, or one command. Raises Refused for a verb that is none."""
    mine = {words.partition(" ")[2]: cls for words, cls in load_commands().items() if words.startswith(f"{topic} ")}
    if verb:
        return Reply(text=_one(topic, verb.strip().lower(), mine))
    groups: dict[str, list[str]] = {}
    for cls in mine.values():
        if cls.group:
            groups.setdefault(cls.group, []).append(f"• `/{cls.words}` {cls.summary()}")
    parts = [f"*{group}*\n" + "\n".join(listed) for group, listed in groups.items()]
    example = next((cls.examples[0] for cls in mine.values() if cls.examples), f"{topic} help")
    tail = f"`/{topic} help <command>` says more. For example: `/{example}`"
    return Reply(text="\n".join([*parts, tail]))


def _one(topic: str, verb: str, mine: dict[str, type[Command]]) -> str:
    cls = mine.get(verb)
    if cls is None:
        near = nearest(verb, mine)
        raise Refused(
            f"There is no `/{topic} {verb}`." + (f" Did you mean `/{topic} {near}`?" if near else ""),
            todo=f"`/{topic} help` lists all.",
        )
    body = "\n".join(line.strip() for line in (cls.__doc__ or "").strip().splitlines()[1:] if line.strip())
    fields = [f"• `{field.name}` {field.arg.say}" for field in fields_of(cls) if field.arg.say]
    examples = "\n".join(f"`/{example}`" for example in cls.examples)
    return lines(f"`{usage(cls)}`", f"*{cls.summary()}*", body, *fields, examples)
