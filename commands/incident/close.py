"""`/incident close`: nothing is left to do."""

from __future__ import annotations

from commands.command import Call, Reply, command
from commands.places import InIncident
from commands.tasking import said
from commands.words import clock, lines
from storage import standing, tasks


@command("incident close", who="declare", group="Start and end", place="incident", examples=("incident close INC-42",))
class Close(InIncident):
    """Close what has ended: nothing is left to do, and its channel is archived after the policy's time

    `/incident reopen` takes it back until then.
    """

    def act(self, call: Call, seen: None) -> Reply:
        """The entry and the clock of the archive; open tasks are named, not forgotten."""
        tx, found = call.tx, call.here
        after = call.house.policy.organisation.slack.archive_after
        at = tx.now + after if after and found.channel else None
        standing.close(tx, found.id, by=call.person, archive_at=at)
        left = [said(tx, one) for one in tasks.of_incident(tx, found.id) if one.open]
        first = f"📦 *{found.id}* is closed."
        when = f"Its channel is archived *{clock(at, tx.now)} UTC*." if at else "Its channel stays as it is."
        waits = f"⚠️ {len(left)} of its tasks are not done:" if left else ""
        return Reply(text=lines(first, when, waits, *left[:10]), data={"incident": found.id})
