"""`/playbook answer`: the buttons of a step that asks a person, or of a step whose outcome is unknown."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.runs import OfRun, asking, reply
from playbooks.engine import requests


@command(
    "playbook answer",
    group="Run",
    place="here",
    examples=("playbook answer INC-42/2 happened", "playbook answer INC-42/2 step=confirm yes both sites answer"),
)
class Answer(OfRun):
    """Answer what a step asks: yes, no, or happened, did-not, abort"""

    step: Annotated[str, Arg("word", "its number or id, when more than one asks", keyed=True)] = ""
    choice: Annotated[str, Arg("word", "the answer")]
    text: Annotated[str, Arg("rest", "the evidence, or why")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """The engine knows which answers fit."""
        run = asking(call, self.run)
        said = requests.answer(
            call.tx, call.house.engine, run=run.id, step=self.step or None, actor=call.actor,
            choice=self.choice.strip().lower(), text=self.text,
        )  # fmt: skip
        return reply(said)
