"""`/incident shift`: somebody else goes on from here."""

from __future__ import annotations

from typing import Annotated

from commands.briefing import brief
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import ME, NOBODY
from commands.places import InIncident, bare
from commands.reaching import look, person_by
from commands.starting import try_start
from commands.timers import settle
from commands.words import cut, esc, joined, lines, safe
from playbooks.errors import Refused
from storage import incidents, tasks
from storage.inbox import Ask
from storage.incidents import Impossible

BRIEF_MOST = 2500  # of the 4000 characters a message takes


@command(
    "incident shift",
    who="declare",
    group="People",
    place="incident",
    examples=("incident shift @eve the vendor calls back at 06:00",),
)
class Shift(InIncident):
    """Hand over your shift: your roles and open tasks go to somebody, with how things stand

    They are invited and written to; your note and the new holders are on the timeline.
    """

    person: Annotated[str, Arg("person", "who goes on: a mention such as @eve")]
    note: Annotated[str, Arg("rest", "what they should know")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident shift` alone."""
        return bare(ask)

    async def before(self, ask: Ask, house: House) -> None:
        """Who that is, where nobody has seen them yet."""
        if self.person not in (ME, NOBODY):
            await look(ask, house, self.person)

    def act(self, call: Call, seen: None) -> Reply:
        """The entries, then one run that brings the person in and tells them."""
        tx, found, policy = call.tx, call.here, call.house.policy
        if self.person in (ME, NOBODY) or (person := person_by(call, self.person)) == call.person:
            raise Refused("Name who goes on from here. Nothing was changed.", todo="Try `/incident shift @eve`")
        if not found.open:
            raise Impossible(f"{found.id} was {found.status}; there is no shift to hand over. Nothing was changed.",
                             todo=f"`/incident reopen incident={found.id} <why>` if it is back.")  # fmt: skip
        mine = [one for one in incidents.roles_of(tx, found.id) if one.person == call.person]
        todo = [one for one in tasks.of_incident(tx, found.id) if one.open and one.owner == call.person]
        if not mine and not todo:
            raise Refused(
                f"You have no role and no open task in {found.id}. Nothing was changed.",
                todo="`/incident role commander @eve` gives somebody a role.",
            )
        state = cut("\n".join(brief(call, found)), BRIEF_MOST)  # as it stood when it was handed over
        for one in mine:
            incidents.set_role(tx, found.id, one.role, person, by=call.person, note=self.note)
        for task in todo:
            tasks.change(tx, found.id, task.number, by=call.person, owner=person, due_at=task.due_at)
        titles = [policy.roles[one.role].title if one.role in policy.roles else one.role for one in mine]
        asker = call.house.directory.name(tx, call.person)
        said = f"{asker}: “{cut(self.note, 700)}”" if self.note else ""
        given = {"person": self.person, "role": joined(titles) or "of the next shift", "note": f"{said}\n{state}\n",
                 "duties": f"{asker} handed over to you."}  # fmt: skip
        run, problem = try_start(call, "role/assign", given, found)
        if run:
            settle.arm(tx, run, quiet=True)
        name = f"*{esc(call.house.directory.name(tx, person))}*"
        hats = f"{name} is {joined([f'*{esc(one)}*' for one in titles])} now" if titles else f"{name} goes on"
        more = f", with {len(todo)} open task{'s' if len(todo) > 1 else ''}" if todo else ""
        told = f"⚠️ They were not told by Muster: {safe(problem)}" if problem else "They get how things stand."
        return Reply(text=lines(f"🤝 *{found.id}*: {hats}{more}.", told))
