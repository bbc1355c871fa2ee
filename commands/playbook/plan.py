"""`/playbook plan`: look before leaping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from commands.command import Button, Call, Command, Reply, command
from commands.fields import Arg, line_of
from commands.house import House
from commands.words import esc, joined, lines, safe
from playbooks.engine.dry_run import DryRun, PlannedStep
from playbooks.engine.load import service_input, typed_inputs
from playbooks.engine.model import Playbook
from playbooks.errors import Refused
from storage import incidents
from storage.db import Tx
from storage.inbox import Ask
from storage.incidents import Incident

MARKS = {"ok": "✅", "held": "🔐", "refused": "⛔", "later": "⏳", "skipped": "⚪"}


@dataclass(frozen=True)
class Looked:
    """What the dry run saw, and for which inputs."""

    playbook: Playbook
    inputs: Mapping[str, Any]
    found: DryRun


def inputs_of(
    house: House, playbook: Playbook, given: Mapping[str, str], incident: Incident | None, tx: Tx
) -> dict[str, Any]:
    """The inputs typed, with the incident's service where one is asked for and none was said. Raises Refused."""
    said: dict[str, Any] = dict(given)
    wanted = service_input(playbook)
    if wanted and wanted not in said and incident and incident.service:
        said[wanted] = incident.service
    return typed_inputs(playbook, said, house.policy, tx.now)


@command(
    "playbook plan",
    who="plan",
    group="Look before leaping",
    place="here",
    examples=("playbook plan failover/rds-multi-az service=checkout",),
)
class Plan(Command):
    """Show exactly what a playbook would do now; changes nothing"""

    incident: Annotated[str, Arg("incident", "INC-42, when asked outside its channel", keyed=True)] = ""
    playbook: Annotated[str, Arg("word", "the playbook's name")]
    inputs: Annotated[dict[str, str], Arg("inputs", "what it asks for, as name=value")] = Field(default_factory=dict)

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """Alone it asks which playbook, and then what that asks for."""
        return all(word.startswith("incident=") for word in ask.line.split()[2:])

    async def before(self, ask: Ask, house: House) -> Looked:
        """The dry run: reads outside, before any transaction."""

        def look(tx: Tx) -> tuple[Playbook, dict[str, Any], str | None]:
            here = incidents.by_channel(tx, ask.channel) if ask.channel else None
            found = incidents.get(tx, self.incident) if self.incident else here
            playbook = house.library.find(self.playbook)
            return playbook, inputs_of(house, playbook, self.inputs, found, tx), found.id if found else None

        try:
            playbook, inputs, incident = await house.db.read(look)
        except Refused as no:  # whoever only looks is not told to run it
            raise Refused(no.message, todo=no.todo.replace("`/playbook run ", "`/playbook plan ")) from None
        return Looked(playbook, inputs, await house.engine.dry_run(playbook, inputs, incident))

    def act(self, call: Call, seen: Looked) -> Reply:
        """Words for what was seen; a button that asks for it."""
        steps = [_step(step) for step in seen.found.steps]
        no_way_back = any(step.destructive and not step.undo for step in seen.found.steps)
        after = ". ".join(part for part in (seen.found.history, "Cannot be undone" if no_way_back else "") if part)
        text = lines(
            f"*Plan: {esc(seen.found.title)}* (dry run, nothing was changed)", *steps, f"{after}." if after else ""
        )
        data = {"playbook": seen.playbook.name, "refused": seen.found.refused}
        if seen.found.refused:
            return Reply(text=lines(text, "⛔ It could not run now."), ok=False, data=data)
        given = {name: str(value) for name, value in seen.inputs.items() if value is not None}
        again = self.model_copy(update={"inputs": given, "incident": call.incident.id if call.incident else ""})
        line = line_of(again).replace("playbook plan", "playbook run", 1)
        return Reply(text=text, buttons=(Button(label="Ask for it", line=line),) if len(line) < 1900 else (), data=data)


def _step(step: PlannedStep) -> str:
    """2. 🔐 *aws.rds_failover* **would reboot …**; connections drop. **Point of no return**. Needs 2 of `@sre`"""
    head = f"{step.index}. {MARKS[step.state]} *{esc(step.uses)}*"
    if step.state == "refused":
        return f"{head} *cannot be done now*: {safe(step.error)}"
    effect = safe(step.effect or step.title)
    parts = [f"*would {effect[:1].lower()}{effect[1:]}*" if step.state == "held" else effect]
    parts += [safe(warning) for warning in step.warnings]
    if step.destructive:
        parts.append(f"*Point of no return* ({safe(step.undo)})" if step.undo else "*Point of no return*")
    if step.data_loss:
        parts.append(f"Data lost if you go now: {safe(step.data_loss)}")
    if step.people:
        groups = joined([f"`@{group}`" for group in step.groups if group != "everyone"], "or")
        parts.append(
            f"Needs {step.people}" + (f" of {groups}" if groups else " people besides you" if step.destructive else "")
        )
    parts += [f"_{safe(note)}_" for note in step.notes]
    return f"{head} {'. '.join(part.rstrip('.') for part in parts if part)}"
