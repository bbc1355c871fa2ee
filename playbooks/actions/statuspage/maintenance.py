"""`statuspage.maintenance`: tell customers of a maintenance before it begins."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.connectors.statuspage import StatusIncident, Statuspage, StatuspageReads
from playbooks.errors import Refused


class Scheduled(Outputs):
    """The maintenance on the status page."""

    incident: str = Field(description="Statuspage's id of it, for statuspage.resolve")
    url: str = Field(description="Where customers see it")
    status: str = Field(description="Status published")


@action("statuspage.maintenance", risk=Risk.WRITE, again=Again.NEVER, needs=("statuspage:incidents",), result=Scheduled)
class Maintenance(Action):
    """Announce a maintenance on the status page

    Example: {uses: statuspage.maintenance, with: {title: Failover test, body: Brief interruptions are possible.,
      begins: "2026-02-07T02:00:00Z", ends: "2026-02-07T06:00:00Z", marker: DRILL-7}}

    Statuspage begins and ends it by itself, and shows its components under maintenance in between; statuspage.resolve
    completes it sooner. While a maintenance with the same marker is not over, that one is returned.
    """

    title: str = Field(description="Heading customers see", min_length=1, max_length=255)
    body: str = Field(description="Text customers see", min_length=1, max_length=25000)
    begins: AwareDatetime = Field(description="When it begins, with its time zone")
    ends: AwareDatetime = Field(description="When it is over, with its time zone")
    marker: str = Field(description="Our own mark, the incident's id; kept in metadata, which is public", min_length=1)
    components: list[str] = Field(default=[], description="Ids or names of the components affected")
    deliver_notifications: bool = Field(default=True, description="Send subscribers mail")

    why_no_undo = "Customers have read it; statuspage.resolve completes it, with words that say why."

    async def plan(self, world: World) -> Plan:
        """Says what customers will read, and when it is; refuses times that cannot be."""
        self._check(world.now)
        ids = await world.use(StatuspageReads).component_ids(self.components)
        listed = f" of {', '.join(self.components)}" if ids else ""
        told = "subscribers are notified" if self.deliver_notifications else "subscribers are not notified"
        when = f"{self.begins:%Y-%m-%d %H:%M %Z} to {self.ends:%Y-%m-%d %H:%M %Z}"
        return Plan(
            targets=("statuspage", *(f"statuspage:{one}" for one in ids)),
            effect=f"Announce maintenance{listed} “{self.title}”, {when}; {told}: {self.body[:300]}",
            warnings=("Customers read it at once.",),
        )

    async def run(self, act: Act) -> Scheduled:
        """Look for our marker, then publish."""
        page = act.use(Statuspage)
        there = await page.find_by_marker(self._mark())
        if there is not None and not there.resolved:
            return _scheduled(there)
        self._check(act.now)
        made = await page.schedule(
            self.title, self.body, begins=self.begins, ends=self.ends,
            markers={"marker": self._mark(), "key": act.key}, component_ids=await page.component_ids(self.components),
            deliver_notifications=self.deliver_notifications,
        )  # fmt: skip
        return _scheduled(made)

    async def verify(self, world: World, done: Scheduled) -> Seen:
        """The page shows it with these times."""
        seen = await world.use(StatuspageReads).incident(done.incident)
        if (seen.begins, seen.ends) != (self.begins, self.ends):
            return Seen(ok=False, text=f"The status page shows other times: {seen.begins} to {seen.ends}")
        return Seen(ok=True, text=f"The status page shows “{seen.name}” as {seen.status}")

    async def reconcile(self, world: World) -> Found:
        """Looks for our key, or our marker on a maintenance that is not over, in the metadata."""
        there = await world.use(StatuspageReads).find_by_marker(world.key, self._mark())
        if there is None or (world.key not in there.markers and there.resolved):
            return Found(happened=False, evidence=f"The status page has no maintenance marked {self.marker}.")
        return Found(happened=True, evidence=f"The status page has it: {there.url}", outputs=_scheduled(there))

    def _mark(self) -> str:
        """Another one than statuspage.create's: an incident and its maintenance may both be open."""
        return f"maintenance {self.marker}"

    def _check(self, now: datetime) -> None:
        """Raises Refused."""
        if self.ends <= self.begins:
            raise Refused("The maintenance would be over before it begins. Nothing was published.",
                          todo="Correct `begins` and `ends`.")  # fmt: skip
        if self.begins <= now:
            raise Refused(f"{self.begins:%Y-%m-%d %H:%M %Z} is past. Nothing was published.",
                          todo="For what is going on already, use statuspage.create.")  # fmt: skip

    def say(self, done: Scheduled) -> str:
        """Published."""
        return f"Status page: maintenance {done.status}, {done.url}"


def _scheduled(incident: StatusIncident) -> Scheduled:
    return Scheduled(incident=incident.id, url=incident.url, status=incident.status)
