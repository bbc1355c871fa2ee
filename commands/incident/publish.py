"""`/incident publish`: put the prepared incident on the public status page."""

from __future__ import annotations

from commands.command import Call, Reply, command
from commands.places import InIncident
from commands.starting import start
from commands.timers import settle
from playbooks.errors import Refused
from storage import cards


@command(
    "incident publish", who="declare", group="While it goes on", place="incident", examples=("incident publish INC-42",)
)
class Publish(InIncident):
    """Publish the prepared status page incident"""

    def act(self, call: Call, seen: None) -> Reply:
        """Once, never for a private incident; subscribers are told, which cannot be taken back."""
        found = call.here
        if found.private or found.kind == "drill":
            raise Refused(f"{found.id} is {'private' if found.private else 'a drill'}: it is never published.")
        if page := found.facts.get("status_page_url") or found.facts.get("status_page_incident"):
            raise Refused(f"{found.id} is on the status page already: {page}", todo="`/incident update …` updates it.")
        if not found.open:
            raise Refused(f"{found.id} was {found.status}: it is not published any more.")
        run = start(call, "comms/publish", {}, found)
        cards.want(call.tx, "status_page", found.id, found.id)
        settle.arm(call.tx, run)
        return Reply(text=f"🌐 Publishing *{found.id}* on the status page … subscribers are told.")
