"""`/playbook run`: ask for a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from commands.command import Call, Command, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.playbook.plan import inputs_of
from commands.starting import request
from commands.words import esc, lines
from playbooks.action import Risk
from playbooks.errors import Refused
from storage import people, runs
from storage.inbox import Ask


@command(
    "playbook run",
    who="run",
    group="Run",
    fresh=True,
    place="here",
    examples=("playbook run failover/rds-multi-az service=checkout",),
)
class Run(Command):
    """Ask for a run: destructive steps wait for approval

    In an incident's channel it belongs to that incident; elsewhere name one with incident=INC-42.
    """

    incident: Annotated[str, Arg("incident", "INC-42, when asked outside its channel", keyed=True)] = ""
    playbook: Annotated[str, Arg("word", "the playbook's name")]
    inputs: Annotated[dict[str, str], Arg("inputs", "what it asks for, as name=value")] = Field(default_factory=dict)

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """Alone it asks which playbook, and then what that asks for."""
        return all(word.startswith("incident=") for word in ask.line.split()[2:])

    async def before(self, ask: Ask, house: House) -> None:
        """Look at the asker's account and groups: whether they may run is decided on what is true now."""
        groups = house.policy.permissions.run
        await house.directory.refresh_for_vote(house.policy, groups, (ask.account_kind, ask.account))

    def act(self, call: Call, seen: None) -> Reply:
        """The run's rows; the engine takes it up at once."""
        found, tx = call.incident, call.tx
        playbook = call.house.library.find(self.playbook)
        inputs = inputs_of(call.house, playbook, self.inputs, found, tx)
        if found is not None and not found.open:
            raise Refused(
                f"{found.id} was {found.status}; nothing new runs in it. Nothing was started.",
                todo="Ask outside its channel, or `/incident reopen <reason>` if it is back.",
            )
        id = request(call, playbook, inputs, found, shown=True)
        worst = Risk(max(step.risk for step in runs.steps_of(tx, id)))
        after = "Its destructive steps wait for approval: a card follows." if worst.destructive else "Its card follows."
        if worst is Risk.CONTAIN:
            after = "What it closes waits for one person's approval: a card follows."
        held = _held(call, id) if worst.guarded else []
        return Reply(text=lines(f"▶️ *{id}* {esc(playbook.name)} is asked for. {after}", *held), data={"run": id})


def _held(call: Call, id: str) -> list[str]:
    """What other runs hold of the same service or playbook: the first asker goes first, the second is told at once."""
    tx = call.tx
    mine = runs.get(tx, id)
    assert mine is not None
    found = []
    for one in runs.locks_beside(tx, mine):
        who = esc(people.name(tx, one.person))
        found.append(
            f"⚠️ {esc(one.resource)} is held by run *{one.run}* (asked by {who}) since {one.since:%H:%M} UTC. "
            f"What needs it is refused until that run ends: wait for it, or `/playbook abort {one.run}`."
        )
    return found[:3]
