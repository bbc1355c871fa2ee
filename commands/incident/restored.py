"""`/incident restored`: when people could work again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident
from commands.words import clock, lasted
from playbooks.durations import words as length_words
from storage import incidents
from storage.incidents import Incident


@command(
    "incident restored",
    group="While it goes on",
    place="incident",
    examples=("incident restored", "incident restored 14:11"),
)
class Restored(InIncident):
    """Say when service was restored (now, or 14:11)"""

    when: Annotated[datetime | None, Arg("time", "14:11 in UTC; now when left out")] = None

    def act(self, call: Call, seen: None) -> Reply:
        """Measured from when it was detected, else declared, against the service's RTO."""
        found, when = call.here, self.when or call.tx.now
        seq = incidents.set_time(call.tx, found.id, "restored", when, by=call.person)
        said = f"🟢 *{found.id}* restored at *{clock(when, call.tx.now)} UTC* (event {seq})."
        return Reply(text=f"{said} {against_rto(call, found, when)}", data={"event": seq})


def against_rto(call: Call, found: Incident, restored: datetime) -> str:
    """*Time to restore: 9 min 2 s of 15 min RTO.*"""
    took = restored - (found.detected_at or found.declared_at)
    service = call.house.policy.services.get(found.service or "")
    if service is None:
        return f"*Time to restore: {lasted(took)}.*"
    mark = "" if took <= service.rto else " ⚠️"
    return f"*Time to restore: {lasted(took)} of {length_words(service.rto)} RTO.*{mark}"
