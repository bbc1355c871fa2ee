"""`/incident mitigated`: it hurts no more, and is not over."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident
from commands.words import lines
from storage import incidents
from storage.incidents import Impossible


@command(
    "incident mitigated",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident mitigated traffic goes to the replica", "incident mitigated"),
)
class Mitigated(InIncident):
    """Say that it hurts nobody any more, while the cause is still there

    Clocks and updates go on. When service is fully back: `/incident restored`.
    """

    reason: Annotated[str, Arg("rest", "what was done")] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """The status, with what was done."""
        found = call.here
        if found.status == "mitigated":
            raise Impossible(
                f"{found.id} is mitigated already. Nothing was changed.", todo="`/incident note …` adds to it."
            )
        incidents.set_status(call.tx, found.id, "mitigated", by=call.person, reason=self.reason)
        return Reply(
            text=lines(
                f"🟡 *{found.id}* is *mitigated* (was {found.status}). Updates stay due until it is resolved.",
                f"When people can fully work again: `/incident restored incident={found.id}`.",
            ),
            buttons=(Button(label="Update", line=f"incident update {found.id}"),),
        )
