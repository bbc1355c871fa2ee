"""`statuspage.components`: show customers the state of components, and know what they said before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from playbooks.action import Act, Action, Again, Found, Outputs, Plan, Risk, Seen, World, action
from playbooks.changes import Change, said
from playbooks.connectors.statuspage import Component, Statuspage, StatuspageReads
from playbooks.errors import MusterError, Refused, Uncertain

State = Literal["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"]


class Shown(Outputs):
    """What the components say, and what they said before. Both by Statuspage's id."""

    state: str = Field(description="State the components were set to")
    names: dict[str, str] = Field(description="Component -> its name")
    old_states: dict[str, str] = Field(description="Component -> its state before; only those that were changed")


@action("statuspage.components", risk=Risk.WRITE, again=Again.NEVER, needs=("statuspage:components",), result=Shown)
class Components(Action):
    """Set the state of components on the status page

    Example: {uses: statuspage.components, with: {components: [checkout], state: major_outage}}

    No text is published and nobody is notified; that is statuspage.create or statuspage.update. A component that says
    so already is left alone, and refused when all do.
    """

    components: list[str] = Field(description="Ids or names of the components", min_length=1, max_length=50)
    state: State = Field(description="What customers see beside each")
    from_state: State | None = Field(default=None, description="What each must say now; none: whatever it says")

    verify_within_s = 30.0
    timeout_s = 120.0

    @classmethod
    def leaves(cls, outputs: Mapping[str, Any]) -> bool:
        """Where it is not known what they said before, there is no way back."""
        return bool(outputs.get("old_states"))

    @classmethod
    def changes(cls, params: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Change, ...]:
        """What each of those that were changed said, and says."""
        state, old = said(outputs.get("state")), outputs.get("old_states") or {}
        return tuple(Change(f"statuspage {id}", said(was), state) for id, was in old.items())

    async def plan(self, world: World) -> Plan:
        """Says what changes from what to what."""
        there, left = await self._check(world)
        changes = ", ".join(f"{one.name} {one.status} -> {self.state}" for one in left)
        same = [one.name for one in there if one not in left]
        return Plan(
            targets=tuple(f"statuspage:{one.id}" for one in there),
            effect=f"Set components of the status page: {changes}",
            warnings=("Customers see it at once.",),
            notes=(f"{', '.join(same)}: {self.state} already.",) if same else (),
            undo="Sets the states before again.",
        )

    async def run(self, act: Act) -> Shown:
        """One after the other, after one more look."""
        there, left = await self._check(act)
        page = act.use(Statuspage)
        await _set(page, {one.id: self.state for one in left})
        return self._shown(there, left)

    async def verify(self, world: World, done: Shown) -> Seen:
        """The page shows each as stated."""
        now = await _now(world, done.names)
        other = [f"{done.names[id]} {state}" for id, state in now.items() if state != self.state]
        if other:
            return Seen(ok=None, text=f"The status page shows {', '.join(other)}")
        return Seen(ok=True, text=f"The status page shows {', '.join(done.names.values())} as {self.state}")

    async def reconcile(self, world: World) -> Found:
        """Their states tell; some set and some not is for a person. What they said before is known by `from_state`."""
        there = await self._there(world)
        said = f"The status page shows {', '.join(f'{one.name} {one.status}' for one in there)}."
        set_now = [one for one in there if one.status == self.state]
        if len(set_now) < len(there):
            return Found(happened=None if set_now else False, evidence=said)
        before = {one.id: self.from_state for one in there} if self.from_state else {}
        names = {one.id: one.name for one in there}
        return Found(happened=True, evidence=said, outputs=Shown(state=self.state, names=names, old_states=before))

    async def undo(self, act: Act, done: Shown) -> Shown:
        """Set what they said before, of those nobody changed since."""
        await self._back(act, done)
        await _set(act.use(Statuspage), done.old_states)
        return done

    async def plan_undo(self, world: World, done: Shown) -> Plan:
        """Refuses when one was changed since."""
        await self._back(world, done)
        changes = ", ".join(f"{done.names[id]} {self.state} -> {old}" for id, old in done.old_states.items())
        return Plan(
            targets=tuple(f"statuspage:{id}" for id in done.old_states),
            effect=f"Set components of the status page back: {changes}",
            warnings=("Customers see it at once.",),
        )

    async def verify_undo(self, world: World, done: Shown) -> Seen:
        """Each says what it said before."""
        now = await _now(world, done.old_states)
        said = ", ".join(f"{done.names[id]} {state}" for id, state in now.items())
        return Seen(ok=True if now == done.old_states else None, text=f"The status page shows {said}")

    async def reconcile_undo(self, world: World, done: Shown) -> Found:
        """Their states tell: some set back and some not is for a person."""
        now = await _now(world, done.old_states)
        back = [id for id, state in now.items() if state == done.old_states[id]]
        said = ", ".join(f"{done.names[id]} {state}" for id, state in now.items())
        happened = True if len(back) == len(now) else None if back else False
        return Found(happened=happened, evidence=f"The status page shows {said}.", outputs=done if happened else None)

    async def _there(self, world: World) -> list[Component]:
        page = world.use(StatuspageReads)
        ids = await page.component_ids(self.components)
        known = {one.id: one for one in await page.components()}
        return [known[id] for id in dict.fromkeys(ids)]

    async def _check(self, world: World) -> tuple[list[Component], list[Component]]:
        """All of them, and those that say something else. Raises Refused."""
        there = await self._there(world)
        left = [one for one in there if one.status != self.state]
        if not left:
            names = ", ".join(one.name for one in there)
            raise Refused(f"{names}: {self.state} on the status page already.", todo="Nothing is to be done.")
        if other := [f"{one.name} is {one.status}" for one in left if self.from_state not in (None, one.status)]:
            raise Refused(f"{', '.join(other)} on the status page, not {self.from_state}. Nothing was set.",
                          todo="Look who changed it, then ask again.")  # fmt: skip
        return there, left

    async def _back(self, world: World, done: Shown) -> None:
        """Whether all still say what this step set. Raises Refused."""
        if not done.old_states:
            raise Refused("What the components said before is not known.", todo="Set what is true.")
        now = await _now(world, done.old_states)
        other = [f"{done.names[id]} is {state}" for id, state in now.items() if state != self.state]
        if other:
            raise Refused(f"Changed since this step: {', '.join(other)}, not {self.state}. Nothing was set back.",
                          todo="Look at the status page, then set what is true.")  # fmt: skip

    def _shown(self, there: list[Component], left: list[Component]) -> Shown:
        names = {one.id: one.name for one in there}
        return Shown(state=self.state, names=names, old_states={one.id: one.status for one in left})

    def say(self, done: Shown) -> str:
        """Which say what now."""
        return f"Status page: {', '.join(done.names[id] for id in done.old_states or done.names)} {done.state}"


async def _now(world: World, ids: dict[str, str]) -> dict[str, str]:
    """Component -> its state now, of these; "gone" where the page has it no more."""
    known = {one.id: one.status for one in await world.use(StatuspageReads).components()}
    return {id: known.get(id, "gone") for id in ids}


async def _set(page: Statuspage, states: dict[str, str]) -> None:
    """Raises Uncertain when some were set before one was not: what did not happen as a whole may not be said to."""
    for done, (id, state) in enumerate(states.items()):
        try:
            await page.set_component(id, state)
        except Uncertain:
            raise
        except MusterError as error:
            if not done:
                raise
            raise Uncertain(f"{done} of {len(states)} components were set, then: {error}") from error
