"""Help generated from the commands: what is needed first with a line to type, the rest by group, all on one screen.

Belongs here: the text, the order of need, which word people from elsewhere use for a command. Does not belong here:
what commands say of themselves (their docstrings, fields, groups and examples).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from commands.command import TOPICS, Command, Reply, load_commands
from commands.fields import fields_of, usage
from commands.words import joined, lines
from playbooks.errors import Refused
from playbooks.reading import nearest

# What somebody needs who was woken a minute ago, in that order. Everything else stands below, by group.
FIRST: Mapping[str, tuple[str, ...]] = {
    "incident": ("declare", "status", "catchup", "page", "role", "update", "note", "sev", "resolve"),
    "playbook": ("list", "search", "plan", "run", "approve", "deny", "status", "pause", "retry", "abort"),
}
GROUPS = (
    "Start and end", "While it goes on", "People", "Clocks and follow-ups", "Look before leaping", "Run", "Approve",
    "Look", "Decide", "Prove it is you", "The record",
)  # fmt: skip
_TAIL = re.compile(r"[:;] |, now or ")
OTHER = {"incident": "Recovery: `/playbook help`.", "playbook": "The incident itself: `/incident help`."}
# Words that other tools, and tired people, have for the same thing.
MEANT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "incident": {
        "declare": ("new", "create", "open", "start", "begin", "report", "trigger"),
        "resolve": ("end", "fix", "fixed", "done", "finish", "stop", "over"),
        "status": ("show", "info", "state", "board"),
        "note": ("log", "add", "comment", "say", "write"),
        "role": ("assign", "lead", "commander", "ic", "claim", "take"),
        "sev": ("severity", "priority", "raise", "lower"),
        "page": ("call", "alert", "invite", "wake"),
        "oncall": ("on-call", "who", "schedule"),
        "ack": ("acknowledge",),
        "update": ("report-status", "announce", "inform"),
        "timeline": ("history", "events"),
        "list": ("all", "ls", "incidents"),
        "postmortem": ("post-mortem", "retro", "retrospective"),
    },
    "playbook": {
        "run": ("start", "execute", "exec", "launch"),
        "plan": ("dry-run", "dryrun", "preview", "check"),
        "list": ("all", "ls"),
        "show": ("view", "read", "cat", "runbook"),
        "search": ("find", "grep"),
        "abort": ("cancel", "stop", "kill"),
        "undo": ("rollback", "revert"),
        "deny": ("no", "refuse"),
        "approve": ("yes", "ok", "lgtm", "accept-run"),
        "mfa": ("totp", "2fa", "otp"),
    },
}


def help_for(topic: str, about: str = "") -> Reply:
    """The topic on one screen; or one group; or one command. Raises Refused for a word that is neither."""
    mine = _of(topic)
    said = " ".join(about.lower().replace("/", " ").split()).removeprefix(f"{topic} ").strip()
    if not said:
        return Reply(text=_screen(topic, mine))
    groups = _groups(mine)
    if said in mine:
        return Reply(text=_one(mine[said]))
    if group := next((name for name in groups if name.lower() == said), None):
        return Reply(text=_group(topic, group, groups[group]))
    close = suggestion(topic, said) or suggestion(topic, said, groups)
    raise Refused(
        f"There is no `/{topic} {said}`." + (f" Did you mean {close}?" if close else ""),
        todo=f"`/{topic} help` lists all.",
    )


def suggestion(topic: str, said: str, groups: Iterable[str] = ()) -> str:
    """What somebody may have meant by a verb there is not: a command in backticks, or "". groups: help's own words."""
    if groups:
        best = nearest(said, [name.lower() for name in groups])
        return f"`/{topic} help {best}`" if best else ""
    verbs = _of(topic)
    if verb := next((verb for verb, words in MEANT.get(topic, {}).items() if said in words and verb in verbs), ""):
        return f"`/{topic} {verb}`"
    if other := next((one for one in TOPICS if one != topic and said in _of(one)), ""):
        return f"`/{other} {said}`"
    best = nearest(said, verbs)
    return f"`/{topic} {best}`" if best else ""


def first_of(topic: str) -> list[type[Command]]:
    """The commands that stand on top, in the order people need them."""
    mine = _of(topic)
    return [mine[verb] for verb in FIRST[topic] if verb in mine]


def in_order(groups: Iterable[str]) -> list[str]:
    """Names of groups in the order people need them; one nobody placed stands before those of the record."""
    return sorted(groups, key=lambda name: (GROUPS.index(name) if name in GROUPS else len(GROUPS) - 1.5, name))


def _of(topic: str) -> dict[str, type[Command]]:
    """Verb -> command."""
    return {words.partition(" ")[2]: cls for words, cls in load_commands().items() if words.startswith(f"{topic} ")}


def _groups(mine: Mapping[str, type[Command]]) -> dict[str, list[type[Command]]]:
    found: dict[str, list[type[Command]]] = {}
    for cls in mine.values():
        if cls.group:
            found.setdefault(cls.group, []).append(cls)
    return {name: found[name] for name in in_order(found)}


def _screen(topic: str, mine: Mapping[str, type[Command]]) -> str:
    first = first_of(topic)
    top = [f"• `/{cls.examples[0]}` {_short(cls)}" for cls in first]
    rest = {name: [cls for cls in listed if cls not in first] for name, listed in _groups(mine).items()}
    rest = {name: listed for name, listed in rest.items() if listed}
    also = [f"*{name}* {' '.join(f'`{_verb(cls)}`' for cls in listed)}" for name, listed in rest.items()]
    group = next(reversed(rest), "look").lower()
    tail = f"`/{topic} help <command>` says more, `/{topic} help {group}` of a group. {OTHER[topic]}"
    return "\n".join(["*First*", *top, f"*Also, after `/{topic}`*", *also, tail])


def _verb(cls: type[Command]) -> str:
    return cls.words.partition(" ")[2]


def _group(topic: str, name: str, listed: Iterable[type[Command]]) -> str:
    return "\n".join([f"*{name}*", *(f"• `/{cls.examples[0]}` {_short(cls)}" for cls in listed),
                      f"`/{topic} help <command>` says more."])  # fmt: skip


def _short(cls: type[Command]) -> str:
    """Its summary without what stands behind a colon or a semicolon: one line of a telephone."""
    short = _TAIL.split(cls.summary(), maxsplit=1)[0]
    return short if short.count("`") % 2 == 0 else cls.summary()


def _one(cls: type[Command]) -> str:
    body = "\n".join(line.strip() for line in (cls.__doc__ or "").strip().splitlines()[1:] if line.strip())
    fields = [f"• `{field.name.rstrip('_')}` {field.arg.say}" for field in fields_of(cls) if field.arg.say]
    others = joined([f"`/{one}`" for one in cls.examples])
    return lines(f"`{usage(cls)}`", f"*{cls.summary()}*", body, *fields, f"For example: {others}" if others else "")
