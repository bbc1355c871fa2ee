"""`statuspage.update`: tell customers how it goes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Risk, World, action
from playbooks.actions.reading_first import ask, note, on_the_page, released, wanted
from playbooks.connectors.statuspage import Statuspage, StatuspageReads


class Updated(Outputs):
    """The incident on the status page after the update."""

    incident: str = Field(description="Statuspage's id of the incident")
    status: str = Field(description="Status published")
    url: str = Field(description="Where customers see it")


@action("statuspage.update", risk=Risk.WRITE, again=Again.NEVER, needs=("statuspage:incidents",), result=Updated)
class Update(Action):
    """Update the status page

    Example: {uses: statuspage.update, with: {incident: abc123, status: monitoring, body: Checkout is back.}}

    Where the severity's status page says `second_person` and a person asked for the playbook, somebody else reads the
    words first.
    """

    incident: str = Field(description="Statuspage's id of the incident", min_length=1)
    status: Literal["investigating", "identified", "monitoring"] = Field(description="Status customers see")
    body: str = Field(description="Text customers see", min_length=1, max_length=25000)
    deliver_notifications: bool = Field(default=True, description="Send subscribers mail")

    why_no_undo = "Customers have read it; publish a correction."

    async def plan(self, world: World) -> Plan:
        """Says what customers will read."""
        seen = await world.use(StatuspageReads).incident(self.incident)
        told = "subscribers are notified" if self.deliver_notifications else "subscribers are not notified"
        return Plan(
            targets=(f"statuspage:{self.incident}",),
            effect=f"Update “{seen.name}” to {self.status}; {told}: {self.body[:300]}",
            warnings=("Customers read it at once.", *note(wanted(world, on_the_page(world)))),
        )

    async def run(self, act: Act) -> Updated | Park:
        """Publish the update; where policy says so, once somebody else has read it."""
        return self._ask() if wanted(act, on_the_page(act)) else await self._publish(act)

    async def resume(self, act: Act, answer: Answer | None) -> Updated | Park:
        """Somebody else read it, or has not yet."""
        return await self._publish(act) if released(answer) else self._ask()

    def _ask(self) -> Park:
        return ask(f"everybody on the status page ({self.status})", self.body)

    async def _publish(self, act: Act) -> Updated:
        seen = await act.use(Statuspage).update(
            self.incident, body=self.body, status=self.status, deliver_notifications=self.deliver_notifications
        )
        return Updated(incident=seen.id, status=seen.status, url=seen.url)

    async def reconcile(self, world: World) -> Found:
        """Looks whether the newest update is this text with this status."""
        seen = await world.use(StatuspageReads).incident(self.incident)
        newest = seen.updates[0] if seen.updates else None
        if newest is None or (newest.body.strip(), newest.status) != (self.body.strip(), self.status):
            return Found(happened=False, evidence="The newest update on the status page is another one.")
        done = Updated(incident=seen.id, status=seen.status, url=seen.url)
        return Found(
            happened=True, evidence=f"The update is on the status page since {newest.created_at}.", outputs=done
        )

    def say(self, done: Updated) -> str:
        """Updated."""
        return f"Status page: {done.status}, {done.url}"
