"""`/incident send`: the button below the preview of an update."""

from __future__ import annotations

from typing import Annotated

from commands.cadence import cadence_of
from commands.command import Call, Reply, command
from commands.fields import Arg, parse
from commands.incident.update import Update, where
from commands.places import InIncident
from commands.starting import try_start
from commands.timers import settle
from commands.words import clock, lines, safe
from playbooks.errors import Refused
from storage import inbox, incidents, timeline
from storage.incidents import Incident


@command("incident send", who="declare", place="incident", examples=("incident update Checkout is back.",))
class Send(InIncident):
    """Send the update you were shown

    Pressed, not typed: it sends the very words of the preview, once.
    """

    draft: Annotated[str, Arg("word", "which preview", keyed=True)]

    def act(self, call: Call, seen: None) -> Reply:
        """Writes the update and starts the run that tells people."""
        tx, found = call.tx, call.here
        incidents.get(tx, found.id, lock=True)
        self._once(call, found)
        told = self._words(call)
        status = told.said(found)
        severity = call.house.policy.severity(found.severity)
        cadence = cadence_of(severity, private=found.private)
        due = tx.now + cadence if cadence else None
        seq = incidents.add_update(tx, found.id, told.text, by=call.person, status=status, due_at=due, draft=self.draft)
        run, problem = try_start(call, "comms/update", {"text": told.text, "status": status}, found)
        if run is None:
            failed = f"⚠️ The update is written (event {seq}), but *nobody was told*: {safe(problem)} Tell them by hand."
            return Reply(text=failed, ok=False)
        settle.arm(tx, run)
        after = f"Next update due *{clock(due, tx.now)} UTC*." if due else ""
        return Reply(text=lines(f"📣 Update of *{found.id}* (*{status}*, event {seq}) goes to {where(found)}.", after))

    def _once(self, call: Call, found: Incident) -> None:
        for event in timeline.read(call.tx, found.id, types=("incident.update",)):
            if event.body.get("draft") == self.draft:
                raise Refused(f"That update was sent already (event {event.seq}). Nothing was sent again.")

    def _words(self, call: Call) -> Update:
        asked = inbox.get(call.tx, self.draft)
        mine = asked is not None and (asked.account_kind, asked.account) == (call.ask.account_kind, call.ask.account)
        if asked is None or not mine or asked.line.split()[:2] != Update.words.split():
            raise Refused(
                "There is no preview of yours behind this button any more. Nothing was sent.",
                todo="Write it again: `/incident update …`",
            )
        rest = [*asked.line.split(None, 2), ""][2]
        values = asked.values if asked.kind in ("form", "button", "cli") else None
        now = asked.received_at or call.tx.now
        return parse(Update, rest, policy=call.house.policy, now=now, values=values)
