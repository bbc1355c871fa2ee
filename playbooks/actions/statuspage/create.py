"""`statuspage.create`: tell customers that something is wrong."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Risk, Seen, World, action
from playbooks.actions.reading_first import ask, note, on_the_page, released, wanted
from playbooks.connectors.statuspage import StatusIncident, Statuspage, StatuspageReads

BY_IMPACT = {"minor": "degraded_performance", "major": "partial_outage", "critical": "major_outage"}


class Published(Outputs):
    """The incident on the status page."""

    incident: str = Field(description="Statuspage's id of the incident")
    url: str = Field(description="Where customers see it")
    status: str = Field(description="Status published")


@action(
    "statuspage.create",
    risk=Risk.WRITE,
    again=Again.NEVER,
    needs=("statuspage:incidents",),
    facts={"status_page_incident": "incident", "status_page_url": "url"},
    result=Published,
)
class Create(Action):
    """Publish on the status page

    Example: {uses: statuspage.create, with: {title: Checkout is down, body: We are on it., marker: INC-42}}

    While an incident with the same marker is open on the page, that one is returned and nothing is published twice.
    Where the severity's status page says `second_person` and a person asked for the playbook, somebody else reads the
    words first.
    """

    title: str = Field(description="Heading customers see", min_length=1, max_length=255)
    body: str = Field(description="Text customers see", min_length=1, max_length=25000)
    marker: str = Field(description="Our own mark, the incident's id; kept in metadata, which is public", min_length=1)
    status: Literal["investigating", "identified", "monitoring"] = Field(
        default="investigating", description="Status customers see"
    )
    impact: Literal["none", "minor", "major", "critical"] = Field(default="major", description="Impact customers see")
    components: list[str] = Field(default=[], description="Ids or names of the components affected")
    component_status: Literal["", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"] = (
        Field(default="", description="Status set on those components; by impact when empty")
    )
    deliver_notifications: bool = Field(default=True, description="Send subscribers mail")

    why_no_undo = "Customers have read it; publish a correction or resolve it."

    async def plan(self, world: World) -> Plan:
        """Says what customers will read; refuses unknown components."""
        ids = await world.use(StatuspageReads).component_ids(self.components)
        told = "subscribers are notified" if self.deliver_notifications else "subscribers are not notified"
        listed = f", components {', '.join(self.components)}" if ids else ""
        return Plan(
            targets=("statuspage", *(f"statuspage:{one}" for one in ids)),
            effect=f"Publish “{self.title}” ({self.status}, {self.impact}{listed}); {told}: {self.body[:300]}",
            warnings=("Customers read it at once.", *note(wanted(world, on_the_page(world)))),
        )

    async def run(self, act: Act) -> Published | Park:
        """Look for our marker, then publish; where policy says so, once somebody else has read the words."""
        return self._ask() if wanted(act, on_the_page(act)) else await self._publish(act)

    async def resume(self, act: Act, answer: Answer | None) -> Published | Park:
        """Somebody else read them, or has not yet."""
        return await self._publish(act) if released(answer) else self._ask()

    def _ask(self) -> Park:
        return ask(f"everybody on the status page ({self.status})", f"{self.title}\n\n{self.body}")

    async def _publish(self, act: Act) -> Published:
        page = act.use(Statuspage)
        there = await page.find_by_marker(self.marker)
        if there is not None and not there.resolved:
            return _published(there)
        ids = await page.component_ids(self.components)
        state = self.component_status or BY_IMPACT.get(self.impact, "")
        made = await page.create(
            self.title, self.body, status=self.status, impact=self.impact,
            markers={"marker": self.marker, "key": act.key}, components=dict.fromkeys(ids, state) if state else None,
            component_ids=ids, deliver_notifications=self.deliver_notifications,
        )  # fmt: skip
        return _published(made)

    async def verify(self, world: World, done: Published) -> Seen:
        """The page shows it."""
        seen = await world.use(StatuspageReads).incident(done.incident)
        return Seen(ok=True, text=f"The status page shows “{seen.name}” as {seen.status}")

    async def reconcile(self, world: World) -> Found:
        """Looks for our key, or our marker on an open incident, in the metadata of the page's incidents."""
        page = world.use(StatuspageReads)
        there = await page.find_by_marker(world.key, self.marker)
        if there is None or (world.key not in there.markers and there.resolved):
            return Found(happened=False, evidence=f"The status page has no incident marked {self.marker}.")
        return Found(happened=True, evidence=f"The status page has it: {there.url}", outputs=_published(there))

    def say(self, done: Published) -> str:
        """Published."""
        return f"Status page: {done.status}, {done.url}"


def _published(incident: StatusIncident) -> Published:
    return Published(incident=incident.id, url=incident.url, status=incident.status)
