"""`/incident escalate`: the next layer's phones ring."""

from __future__ import annotations

from typing import Annotated

from commands.by_hand import call_by_hand
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident
from commands.starting import try_start
from commands.timers import settle
from commands.words import safe
from playbooks.errors import Refused
from playbooks.policy import Policy
from storage.incidents import Impossible

PLAYBOOK = "comms/escalate"


@command(
    "incident escalate",
    who="declare",
    group="People",
    place="incident",
    examples=("incident escalate", "incident escalate level=3 nobody of the second layer answers"),
)
class Escalate(InIncident):
    """Hand the page to the next layer of the escalation policy: their phones ring

    Who has the page already is not called again.
    """

    level: Annotated[int, Arg("number", "which layer, 2 is the second", keyed=True)] = 2
    reason: Annotated[str, Arg("rest", "why")] = ""

    @classmethod
    def by_hand(cls, policy: Policy) -> str:
        """The telephone still works."""
        return call_by_hand(policy, None)

    def act(self, call: Call, seen: None) -> Reply:
        """The run that escalates what was paged."""
        found, by_hand = call.here, call_by_hand(call.house.policy, call.here.service)
        if not found.open:
            raise Impossible(
                f"{found.id} was {found.status}; nobody was paged.",
                todo=f"`/incident reopen incident={found.id} <why>` if it is back.",
            )
        if not 1 <= self.level <= 20:
            raise Refused(f"There is no layer {self.level}. Nobody was paged.", todo="Try `/incident escalate level=2`")
        if not found.facts.get("page_key"):
            raise Refused(
                f"Nobody was paged for {found.id} yet, so there is no page to escalate. Nobody was called.",
                todo=f"`/incident page checkout` pages the on-call of a service. {by_hand}",
            )
        given = {"level": str(self.level), "reason": self.reason}
        run, problem = try_start(call, PLAYBOOK, given, found)
        if run is None:
            return Reply(text=f"⚠️ *Nobody was paged*: {safe(problem)} {by_hand}", ok=False)
        settle.arm(call.tx, run)
        return Reply(text=f"📟 Escalating the page of *{found.id}* to layer {self.level}.", data={"run": run})
