"""What the commands about one run share: which run, the run's incident, the engine's answer as a reply.

Belongs here: the base class of those commands and their small helpers. Does not belong here: any verb.
"""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Command, Reply
from commands.kinds import Arg
from commands.places import going_on, run_for
from playbooks.engine.leftovers import leftovers
from playbooks.engine.requests import Said
from storage import runs
from storage.inbox import Ask
from storage.runs import Run


class OfRun(Command):
    """Base of commands about one run: the named one, or the only one in the channel that fits."""

    run: Annotated[str, Arg("run", "INC-42/2; may be left out when only one fits")] = ""


def chosen(call: Call, said: str, states: tuple[str, ...] = (), what: str = "is going on") -> Run:
    """The run meant; states: of those that fit when none is named."""

    def fits(run: Run) -> bool:
        return run.state in states if states else going_on(run)

    return run_for(call, said, fits, what)


def waiting(call: Call, said: str) -> Run:
    """The run meant; without a name the only one that waits for approval."""
    return run_for(call, said, lambda run: runs.open_approval(call.tx, run.id) is not None, "waits for approval")


def left_over(call: Call, said: str) -> Run:
    """The run meant; without a name the only one with a change that nobody took back or accepted."""

    def fits(run: Run) -> bool:
        return bool(leftovers(call.tx, runs.steps_of(call.tx, run.id), call.house.policy))

    return run_for(call, said, fits, "left anything behind that has an undo")


def asking(call: Call, said: str) -> Run:
    """The run meant; without a name the only one with a question to people."""

    def fits(run: Run) -> bool:
        return any(step.state in ("parked", "asking") and step.question for step in runs.steps_of(call.tx, run.id))

    return run_for(call, said, fits, "asks anybody anything")


def reply(said: Said) -> Reply:
    """The engine's answer as it is."""
    return Reply(text=said.text, ok=said.ok)


def proof(ask: Ask) -> str:
    """By which door a vote came, with the message it was pressed on: kept with the vote."""
    return ":".join(part for part in (ask.via, ask.channel or "", ask.message_ts or "") if part)


def pressed_on(ask: Ask) -> tuple[str, str] | None:
    """The message whose button this was (channel, ts), also through the form it opened; None for a typed line."""
    return (ask.channel, ask.message_ts) if ask.channel and ask.message_ts else None
