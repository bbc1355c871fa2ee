"""`/incident contacts`: whom to call, inside and outside."""

from __future__ import annotations

from commands.briefing import held
from commands.by_hand import call_by_hand
from commands.command import Call, Command, Reply, command
from commands.words import esc, lines


@command("incident contacts", group="People", place="here", examples=("incident contacts",))
class Contacts(Command):
    """Show whom to call: who has which role, the on-call's telephone, and the contacts outside

    `/playbook run comms/contacts` posts the outside ones for everybody.
    """

    def act(self, call: Call, seen: None) -> Reply:
        """From the policy, and the incident's own people."""
        policy, found = call.house.policy, call.incident
        inside = held(call, found) if found else ""
        owners = ""
        service = policy.services.get(found.service or "") if found else None
        if service and service.owners:
            people = [esc(one.name) for one in call.house.directory.members(call.tx, service.owners)][:10]
            owners = f"{esc(service.title or service.name)} is `@{esc(service.owners)}`'s: {', '.join(people) or '—'}"
        outside = []
        for one in policy.contacts.values():
            ways = " · ".join(esc(way) for way in (one.phone, one.email, one.url) if way)
            outside.append(
                f"• *{esc(one.title)}*{f' ({esc(one.when)})' if one.when else ''}: {ways or 'no way is known'}"
            )
        none = "" if outside else "The policy names no contacts outside (section `contacts`)."
        phones = call_by_hand(policy, found.service if found else None)
        return Reply(text=lines(inside, owners, phones, *outside, none), data={"contacts": list(policy.contacts)})
