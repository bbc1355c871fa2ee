"""`/playbook undo`: take back what a step changed, in a run of its own."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, left_over, reply
from playbooks.engine import leftovers


@command(
    "playbook undo",
    who="run",
    group="Run",
    place="here",
    examples=("playbook undo INC-42/2 step=1 the key was not the leaked one",),
)
class Undo(OfRun):
    """Take back what a step changed; it waits for approval like any other run

    Only where the action has an undo; the answer says why where it has none. The run must be paused or have ended.
    """

    step: Annotated[str, Arg("word", "its number or id, when it is not clear", keyed=True)] = ""
    reason: Annotated[str, Arg("rest", "why")]

    def act(self, call: Call, seen: None) -> Reply:
        """Whoever asks is the requester of the undo."""
        run = left_over(call, self.run)
        said = leftovers.undo(
            call.tx, call.house.engine, run=run.id, actor=call.actor, reason=self.reason, step=self.step or None,
            ask=call.ask.key,
        )  # fmt: skip
        return reply(said)
