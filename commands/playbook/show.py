"""`/playbook show`: what a playbook says it does."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Command, Reply, command
from commands.fields import Arg
from commands.words import day, esc, lines
from playbooks.action import Risk, find
from playbooks.engine.model import Input, Playbook


@command("playbook show", who="plan", group="Look", examples=("playbook show failover/rds-multi-az",))
class Show(Command):
    """Show a playbook: when to use it, what it asks for, its steps"""

    playbook: Annotated[str, Arg("word", "its name, such as failover/rds-multi-az")]

    def act(self, call: Call, seen: None) -> Reply:
        """As its file says now."""
        found = call.house.library.find(self.playbook)
        inputs = [f"• `{item.name}` {_asked(item)}" for item in found.inputs]
        steps = [_step(found, index) for index in range(len(found.steps))]
        reviewed = f"Reviewed {day(found.reviewed)} {found.reviewed:%Y}" if found.reviewed else "Never reviewed"
        if found.review_by:
            overdue = " ⚠️ overdue" if found.review_by < call.tx.now.date() else ""
            reviewed += f", to be reviewed by {day(found.review_by)} {found.review_by:%Y}{overdue}"
        text = lines(
            f"*{found.name}*: {esc(found.title)}",
            esc(found.description.strip()),
            "*Asks for*" if inputs else "",
            *inputs,
            "*Steps*",
            *steps,
            f"{reviewed} · `sha256:{found.digest[:12]}…`",
        )
        needed = any(item.required for item in found.inputs)
        buttons = () if needed else (Button(label="Plan", line=f"playbook plan {found.name}"),)
        return Reply(text=text, buttons=buttons, data={"playbook": found.name, "digest": found.digest})


def _asked(item: Input) -> str:
    what = f"{item.type}: {esc(item.description)}" if item.description else item.type
    if item.choices:
        what += f" ({', '.join(item.choices)})"
    return what if item.required else f"{what}, may be left out"


def _step(found: Playbook, index: int) -> str:
    step = found.steps[index]
    lane = f" _({esc(step.lane)}, in parallel)_" if step.lane else ""
    title = f" {esc(step.title)}" if step.title and step.title != step.id else ""
    action = find(step.uses)
    risk = max(action.risk if action else Risk.IRREVERSIBLE, step.risk or Risk.READ)
    held = (
        " waits for approval"
        if risk.destructive
        else " waits for one person with a one-time code"
        if risk.guarded
        else ""
    )
    return f"{step.index}. {'🔐 ' if held else ''}*{esc(step.uses)}*{title}{lane}{f' ·{held}' if held else ''}"
