"""`/incident clocks`: every clock that runs, with what is left."""

from __future__ import annotations

from datetime import datetime

from commands import clocks
from commands.command import Call, Reply, command
from commands.places import InIncident
from commands.words import clock, lasted, lines
from storage import clocks as kept
from storage import timers


@command("incident clocks", group="Clocks and follow-ups", place="incident", examples=("incident clocks",))
class Clocks(InIncident):
    """Show what is due when: acknowledgement, update, RTO, and regulatory clocks"""

    def act(self, call: Call, seen: None) -> Reply:
        """The incident's own, then the law's."""
        tx, found, policy = call.tx, call.here, call.house.policy
        mine = kept.of_incident(tx, found.id)
        legal = [
            clocks.line(policy, one, tx.now, call.house.directory.name(tx, one.notified_by or ""))
            + (f" · notify {told}" if one.running and (told := clocks.whom(policy, one.name)) else "")
            for one in mine
        ]
        left = [name for name in policy.clocks if name not in {one.name for one in mine}]
        offered = f"Not started: {', '.join(left)} (`/incident clock {left[0]} <why>`)." if left else ""
        said = [*self._own(call), *(legal or ["⚖️ No regulatory clock runs."]), offered]
        data = {
            "clocks": [{"name": one.name, "due_at": one.due_at.isoformat(), "running": one.running} for one in mine]
        }
        return Reply(text=lines(f"*Clocks of {found.id}*", *said), data=data)

    def _own(self, call: Call) -> list[str]:
        found, now, policy = call.here, call.tx.now, call.house.policy
        if not found.open:
            return []
        said = []
        if found.acknowledged_at is None and (due := self._acknowledge(call)):
            said.append(_due("Acknowledgement", due, now))
        if found.update_due_at:
            said.append(_due("Status update", found.update_due_at, now))
        service = policy.services.get(found.service or "")
        if service and found.restored_at is None:
            said.append(_due(f"RTO of {service.name}", (found.detected_at or found.declared_at) + service.rto, now))
        return said

    def _acknowledge(self, call: Call) -> datetime | None:
        """The clock that runs, also of a severity it had before; once it ran out, what this severity wants."""
        found = call.here
        if due := timers.escalates_at(call.tx, found.id):
            return due
        severity = call.house.policy.severities.get(found.severity)
        within = severity.acknowledge_within if severity and severity.page_within is not None else None
        return found.declared_at + within if within else None


def _due(what: str, at: datetime, now: datetime) -> str:
    left = f"{lasted(now - at)} over" if at <= now else f"{lasted(at - now)} left"
    return f"⏱ {what}: {'❗ was due' if at <= now else 'due'} *{clock(at, now)} UTC*, {left}"
