"""`/incident ack`: I have the page."""

from __future__ import annotations

from commands.command import Call, Reply, command
from commands.hooks.pagerduty import commander
from commands.places import InIncident
from commands.starting import try_start
from commands.timers import settle
from commands.words import channel_of, clock, esc, lines, safe
from storage import incidents
from storage.incidents import Impossible

PLAYBOOK = "comms/acknowledge"


@command("incident ack", who="declare", group="People", place="incident", examples=("incident ack",))
class Ack(InIncident):
    """Say that you have the page, so that phones stop ringing

    Where nobody leads yet, you do until somebody takes command.
    """

    def act(self, call: Call, seen: None) -> Reply:
        """The entry, then the run that tells PagerDuty."""
        tx, found, name = call.tx, call.here, call.house.directory.name
        if not found.open:
            raise Impossible(f"{found.id} was {found.status}; there is nothing to acknowledge. Nothing was changed.",
                             todo=f"`/incident reopen incident={found.id} <why>` if it is back.")  # fmt: skip
        if found.acknowledged_at:
            who = f" by {name(tx, found.acknowledged_by)}" if found.acknowledged_by else ""
            at = clock(found.acknowledged_at, tx.now)
            raise Impossible(
                f"{found.id} was acknowledged{who} at {at} UTC already. Nothing was changed.",
                todo="`/incident role commander me` takes command.",
            )
        role = commander(call.house.policy)
        led = role in incidents.roles(tx, found.id)
        incidents.acknowledge(tx, found.id, person=call.person, source="slack", commander=role)
        paged = found.facts.get("page_key") or call.house.policy.severity(found.severity).page_within is not None
        run, problem = try_start(call, PLAYBOOK, {}, found) if paged else (None, "")
        if run:
            settle.arm(tx, run, quiet=True)
        told = f"⚠️ PagerDuty was not told: {safe(problem)} Acknowledge it there." if problem else ""
        title = esc(call.house.policy.roles[role].title) if role in call.house.policy.roles else ""
        lead = f"You are *{title}* until somebody takes it." if role and not led else ""
        room = f"It goes on in {channel_of(found)}." if found.channel and found.channel != call.ask.channel else ""
        me = name(tx, call.person)
        by = "you" if me == call.person else esc(me)  # asked for the first time: their name is learned after it
        return Reply(text=lines(f"👍 *{found.id}* is acknowledged by *{by}*.", lead, room, told))
