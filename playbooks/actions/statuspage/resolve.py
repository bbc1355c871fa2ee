"""`statuspage.resolve`: tell customers that it is over."""

from __future__ import annotations

from pydantic import Field

from playbooks.action import Act, Action, Again, Answer, Found, Outputs, Park, Plan, Risk, Seen, World, action
from playbooks.actions.reading_first import ask, note, on_the_page, released, wanted
from playbooks.connectors.statuspage import StatusIncident, Statuspage, StatuspageReads


class Resolved(Outputs):
    """The incident on the status page after it was resolved."""

    incident: str = Field(description="Statuspage's id of the incident")
    url: str = Field(description="Where customers see it")
    components: tuple[str, ...] = Field(description="Names of the components set to operational")


@action("statuspage.resolve", risk=Risk.WRITE, again=Again.NEVER, needs=("statuspage:incidents",), result=Resolved)
class Resolve(Action):
    """Resolve on the status page

    Example: {uses: statuspage.resolve, with: {incident: abc123, body: Checkout works again.}}

    Its components become operational: resolving alone does not set them back (contract D). A maintenance is completed.
    Where the severity's status page says `second_person` and a person asked for the playbook, somebody else reads the
    words first.
    """

    incident: str = Field(description="Statuspage's id of the incident", min_length=1)
    body: str = Field(description="Text customers see", min_length=1, max_length=25000)
    deliver_notifications: bool = Field(default=True, description="Send subscribers mail")

    why_no_undo = "Customers have read it; publish a new incident when it was too early."
    verify_within_s = 30.0

    async def plan(self, world: World) -> Plan:
        """Says what customers will read and which components become operational."""
        seen = await world.use(StatuspageReads).incident(self.incident)
        names = ", ".join(one.name for one in seen.components)
        more = f"; set {names} to operational" if names else ""
        return Plan(
            targets=(f"statuspage:{self.incident}",),
            effect=f"Resolve “{seen.name}” on the status page{more}: {self.body[:300]}",
            warnings=("Customers read it at once.", *note(wanted(world, on_the_page(world)))),
            notes=("It is resolved already.",) if seen.resolved else (),
        )

    async def run(self, act: Act) -> Resolved | Park:
        """Resolve it, unless it is resolved already; where policy says so, once somebody else has read the words."""
        return self._ask() if wanted(act, on_the_page(act)) else await self._resolve(act)

    async def resume(self, act: Act, answer: Answer | None) -> Resolved | Park:
        """Somebody else read it, or has not yet."""
        return await self._resolve(act) if released(answer) else self._ask()

    def _ask(self) -> Park:
        return ask("everybody on the status page (resolved)", self.body)

    async def _resolve(self, act: Act) -> Resolved:
        page = act.use(Statuspage)
        seen = await page.incident(self.incident)
        if not seen.resolved:
            states = {one.id: "operational" for one in seen.components}
            seen = await page.update(
                self.incident, body=self.body, status="completed" if seen.begins else "resolved", components=states,
                deliver_notifications=self.deliver_notifications,
            )  # fmt: skip
        return _resolved(seen)

    async def verify(self, world: World, done: Resolved) -> Seen:
        """The page shows it resolved and its components operational."""
        seen = await world.use(StatuspageReads).incident(self.incident)
        worse = [one.name for one in seen.components if one.status != "operational"]
        if not seen.resolved:
            return Seen(ok=None, text=f"The status page still shows {seen.status}")
        left = f"; not operational: {', '.join(worse)}" if worse else ""
        return Seen(ok=True, text=f"The status page shows it resolved{left}")

    async def reconcile(self, world: World) -> Found:
        """Looks at the incident's status."""
        seen = await world.use(StatuspageReads).incident(self.incident)
        evidence = f"The status page shows {seen.status}."
        return Found(happened=seen.resolved, evidence=evidence, outputs=_resolved(seen) if seen.resolved else None)

    def say(self, done: Resolved) -> str:
        """Resolved."""
        return f"Status page: resolved, {done.url}"


def _resolved(incident: StatusIncident) -> Resolved:
    names = tuple(one.name for one in incident.components if one.status == "operational")
    return Resolved(incident=incident.id, url=incident.url, components=names)
