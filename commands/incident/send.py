"""`/incident send`: the button below the preview of an update or a letter."""

from __future__ import annotations

from typing import Annotated, TypeVar

from commands import letters
from commands.cadence import cadence_of
from commands.command import Call, Reply, command
from commands.fields import Arg, parse
from commands.incident.tell import Tell
from commands.incident.update import Update, second_person, where
from commands.places import InIncident
from commands.starting import try_start
from commands.timers import settle
from commands.words import channel_of, clock, lines, safe
from playbooks.errors import Refused
from storage import inbox, incidents, proposals, timeline
from storage.inbox import Ask
from storage.incidents import Incident

T = TypeVar("T", Update, Tell)
SENT = ("incident.update", "incident.letter", "public.proposed")


@command("incident send", who="declare", place="incident", examples=("incident update Checkout is back.",))
class Send(InIncident):
    """Send the update or the letter you were shown

    Pressed, not typed: it sends the very words of the preview, once. Where policy wants a second person for what people
    outside read (`second_person`), those words wait on a card for somebody else; the channel is told at once.
    """

    draft: Annotated[str, Arg("word", "which preview", keyed=True)]
    shown: Annotated[str, Arg("word", "what it said", keyed=True)] = ""

    def act(self, call: Call, seen: None) -> Reply:
        """Writes what is told and starts the run that tells people."""
        tx, found = call.tx, call.here
        incidents.get(tx, found.id, lock=True)
        self._once(call, found)
        asked = self._asked(call)
        if asked.line.split()[:2] == Tell.words.split():
            letter = self._read(call, asked, Tell).letter(call, found)
            return letters.send(call, found, letter, draft=self.draft, shown=self.shown, where=channel_of(found))
        return self._update(call, found, self._read(call, asked, Update))

    def _update(self, call: Call, found: Incident, told: Update) -> Reply:
        tx, status = call.tx, told.said(found)
        cadence = cadence_of(call.house.policy.severity(found.severity), private=found.private)
        due = tx.now + cadence if cadence else None
        held = second_person(call.house.policy, found)
        proposals.redraw(tx, found.id)
        seq = incidents.add_update(tx, found.id, told.text, by=call.person, status=status, due_at=due, draft=self.draft)
        given = {"text": told.text, "status": status, "where": "inside" if held else "everywhere"}
        run, problem = try_start(call, "comms/update", given, found)
        waits = ""
        if held:
            proposals.propose(
                tx, found.id, "update", by=call.person, draft=self.draft, subject=found.title, text=told.text,
                status=status,
            )  # fmt: skip
            releases = letters.RELEASES.format(where=channel_of(found))
            waits = f"🔐 The status page is *not updated yet*. {releases}"
        if run is None:
            failed = f"⚠️ The update is written (event {seq}), but *nobody was told*: {safe(problem)} Tell them by hand."
            return Reply(text=lines(failed, waits), ok=False)
        settle.arm(tx, run)
        after = f"Next update due *{clock(due, tx.now)} UTC*." if due else ""
        goes = channel_of(found) if held else where(found)
        return Reply(text=lines(f"📣 Update of *{found.id}* (*{status}*, event {seq}) goes to {goes}.", waits, after))

    def _once(self, call: Call, found: Incident) -> None:
        for event in timeline.read(call.tx, found.id, types=SENT):
            if event.body.get("draft") == self.draft:
                what = "update" if event.type == "incident.update" else "letter"
                raise Refused(f"That {what} was sent already (event {event.seq}). Nothing was sent again.")

    def _asked(self, call: Call) -> Ask:
        asked = inbox.get(call.tx, self.draft)
        mine = asked is not None and (asked.account_kind, asked.account) == (call.ask.account_kind, call.ask.account)
        known = (Update.words.split(), Tell.words.split())
        if asked is None or not mine or asked.line.split()[:2] not in known:
            raise Refused(
                "There is no preview of yours behind this button any more. Nothing was sent.",
                todo="Write it again: `/incident update …`",
            )
        return asked

    def _read(self, call: Call, asked: Ask, cls: type[T]) -> T:
        rest = [*asked.line.split(None, 2), ""][2]
        values = asked.values if asked.kind in ("form", "button", "cli") else None
        now = asked.received_at or call.tx.now
        return parse(cls, rest, policy=call.house.policy, now=now, values=values)
