"""`/incident merge`: the other one is this one."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.naming import FromHere, other
from commands.reaching import CALL, end_calls, of
from commands.starting import try_start
from commands.timers import settle
from commands.words import channel_of, lines, name_of, safe
from playbooks.errors import Refused
from storage import incidents, standing
from storage.incidents import Impossible, Incident


@command("incident merge", who="declare", group="Start and end", place="incident", examples=("incident merge INC-7",))
class Merge(FromHere):
    """End another incident as a duplicate of this one; its people are brought here

    Its page and status page are closed, its channel says where it goes on, and its timeline stays its own.
    """

    duplicate: Annotated[str, Arg("word", "the one that ends, such as INC-7")]

    def act(self, call: Call, seen: None) -> Reply:
        """Both rows are locked in one order; the anchor is last."""
        tx, here = call.tx, call.here
        double = other(call, self.duplicate)
        for id in sorted((here.id, double.id)):
            incidents.get(tx, id, lock=True)
        if not here.open:
            raise Impossible(f"{here.id} was {here.status}; nothing goes on here. Nothing was changed.")
        if double.private and not here.private:
            raise Refused(
                f"{double.id} is private and {here.id} is not: its people would be told in public. "
                "Nothing was changed.",
                todo=f"`/incident private incident={here.id}` first, or end it by `/incident cancel`.",
            )
        people = self._people(call, double)
        reason = f"the same as {here.id}; go on in {channel_of(here)}"
        ended = incidents.cancel(tx, double.id, by=call.person, reason=f"the same as {here.id}")
        standing.duplicate(tx, double.id, here.id, by=call.person)
        name = call.house.policy.severity(double.severity).cancel
        run, problem = try_start(call, name, {"reason": reason, "text": reason}, ended)
        if run:
            settle.arm(tx, run, quiet=True)
        end_calls(call, ended)
        missing = self._bring(call, double, people)
        head = incidents.anchor(tx, double.id)
        closed = f"⚠️ Its page and status page were *not* closed: {safe(problem)} Close them by hand." if problem else ""
        first = f"🔀 {name_of(double, most=80)} ended as a duplicate of *{here.id}* (event {head.seq})."
        return Reply(text=lines(first, missing, closed), data={"incident": here.id, "duplicate": double.id})

    def _people(self, call: Call, double: Incident) -> list[str]:
        """Whoever declared, took or follows it, but for who asks."""
        worn = [one.person for one in incidents.roles_of(call.tx, double.id)]
        known = [double.declared_by, double.acknowledged_by, *worn, *standing.followers(double)]
        return [one for one in dict.fromkeys(known) if one and one not in (call.person, "muster")]

    def _bring(self, call: Call, double: Incident, people: list[str]) -> str:
        """A run that invites and writes to them; followers of the one follow the other."""
        here, tx = call.here, call.tx
        for person in standing.followers(double):
            if person not in standing.followers(incidents.get(tx, here.id) or here):
                standing.follow(tx, here.id, person, on=True)
        them = of(call, "", people)
        if not them.users:
            return ""
        who = call.house.directory.name(tx, call.person)
        text = f"{who} found {double.id} to be the same as {here.id}: it goes on there. {channel_of(here)}"
        given = {"users": list(them.users), "text": text, "key": f"muster/{here.id}/merge/{double.id}"}
        run, problem = try_start(call, CALL, given, here)
        if run:
            settle.arm(tx, run, quiet=True)
            return f"{len(them.users)} of its people are told and invited here."
        return f"⚠️ Its people were *not* told: {safe(problem)}"
