"""A playbook as a runbook people read: Markdown with the same words as its YAML, nothing added but what actions say.

Belongs here: Playbook -> Markdown. Does not belong here: which playbooks (bot/documents.py), what they do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from playbooks.action import Action, Risk, find
from playbooks.engine.model import Input, Playbook, Step

HEAD = ("When", "Changes", "Takes", "Undone", "Source")
_LINE = re.compile(r"^# ?(\w+):\s+(.*)$")


def head_of(playbook: Playbook) -> dict[str, str]:
    """What the file says before it begins, by the words of HEAD; a line of its own or several joined."""
    found: dict[str, str] = {}
    last = ""
    for line in playbook.text.splitlines():
        if not line.startswith("#"):
            break
        said = _LINE.match(line)
        if said and said[1] in HEAD:
            last = said[1]
            found[last] = said[2].strip()
        elif last:
            found[last] += " " + line.lstrip("# ").strip()
    return found


def runbook(playbook: Playbook) -> str:
    """The whole playbook as Markdown, ending with one newline."""
    parts = [
        f"# {playbook.title}", f"`{playbook.name}`", playbook.description.strip(), _head(playbook), _dates(playbook),
        _inputs(playbook.inputs), _objectives(playbook.objectives), "## Steps", *_steps(playbook),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def kind_of(playbook: Playbook) -> str:
    """automatic: nobody is asked for anything but approval. human: people do all of it. assisted: both."""
    asked = [step.uses.startswith("human.") for step in playbook.steps]
    return "human" if all(asked) else "assisted" if any(asked) else "automatic"


def _head(playbook: Playbook) -> str:
    return "\n".join(f"- **{name}**: {words}" for name, words in head_of(playbook).items())


def _dates(playbook: Playbook) -> str:
    read = f"Reviewed {playbook.reviewed}" if playbook.reviewed else "Never reviewed"
    return read + (f", to be reviewed by {playbook.review_by}." if playbook.review_by else ".")


def _inputs(inputs: tuple[Input, ...]) -> str:
    if not inputs:
        return ""
    rows = [f"| `{one.name}` | {_type(one)} | {_cell(one.description)} | {_needed(one)} |" for one in inputs]
    return "\n".join(["## What it asks for", "", "| input | type | what | needed |", "|---|---|---|---|", *rows])


def _type(one: Input) -> str:
    return f"one of {', '.join(one.choices)}" if one.choices else one.type


def _needed(one: Input) -> str:
    if one.required:
        return "yes"
    return f"no: {_code(one.default)}" if one.default is not None else "no"


def _objectives(objectives: Mapping[str, Any]) -> str:
    said = [f"{name.upper()} {_code(value)}" for name, value in objectives.items()]
    return f"Objectives: {', '.join(said)}." if said else ""


def _steps(playbook: Playbook) -> Iterator[str]:
    group = None
    for step in playbook.steps:
        if step.group != group and step.group is not None:
            yield f"*At the same time ({step.group}):*"
        group = step.group
        yield _step(step)


def _step(step: Step) -> str:
    action = find(step.uses)
    lane = f", lane {step.lane}" if step.lane else ""
    title = step.title if step.title and step.title != step.id else (action.heading() if action else step.uses)
    lines = [f"### {step.index}. {title}", "", f"`{step.id}`: `{step.uses}` ({_risk(step, action)}{lane})"]
    facts = [f"- {line}" for line in _facts(step, action)]
    return "\n".join([*lines, *(["", *facts] if facts else [])])


def _risk(step: Step, action: type[Action] | None) -> str:
    risk = max(action.risk if action else Risk.IRREVERSIBLE, step.risk or Risk.READ)
    if risk.destructive:
        return f"{risk.word}; waits for approval"
    return f"{risk.word}; waits for one person with a one-time code" if risk.guarded else risk.word


def _facts(step: Step, action: type[Action] | None) -> Iterator[str]:
    if step.phase:
        yield f"phase: {step.phase}"
    if step.if_:
        yield f"only if {_code(step.if_)}"
    for name, value in step.with_.items():
        yield f"{name}: {_code(value)}"
    if step.stage:
        yield f"approved together with its stage `{step.stage}`"
    if step.on_failure == "continue":
        yield "when it fails, the run goes on"
    if step.retries:
        yield f"tried again up to {step.retries} times"
    if action is not None and action.risk is not Risk.READ:
        yield "can be undone" if action.can_undo() else f"no undo: {action.why_no_undo}"


def _code(value: Any) -> str:
    """A value as written; what has a backtick or a line break stands in a longer fence."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = " ".join(text.split())
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}" if text else "(empty)"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
