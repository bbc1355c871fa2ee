"""`/incident snooze`: not now, later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands import nudging
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import clock, esc, lines
from playbooks.errors import Refused
from storage import clocks, incidents, timers
from storage.inbox import Ask
from storage.incidents import Impossible
from storage.types import from_iso


@command(
    "incident snooze",
    who="declare",
    group="Clocks and follow-ups",
    place="incident",
    examples=("incident snooze update 30m", "incident snooze gdpr 4h"),
)
class Snooze(InIncident):
    """Put off the reminders about one thing

    What is due stays due, and says so on the board. Nobody can put off a page: acknowledge it.
    """

    subject: Annotated[str, Arg("word", "what it is about: update, gdpr, retrospective, …")]
    until: Annotated[datetime | None, Arg("until", "for how long: 30m, or until 18:00 (UTC)")] = None

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident snooze` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """Move its timer, never past the time after which nothing would be left to remind of."""
        tx, id = call.tx, call.here.id
        incidents.get(tx, id, lock=True)  # first in the lock order
        mine = nudging.live(tx, id, self.subject)
        if not mine:
            raise self._nothing(call)
        until = self.until or tx.now + nudging.DEFAULT
        if until - tx.now > nudging.MOST:
            raise Refused("Reminders can be put off for a day at most. Nothing was changed.",
                          todo=f"Try `/incident snooze {self.subject} 8h`")  # fmt: skip
        said = []
        for one in mine:
            latest = from_iso(str(one.payload["latest"])) if one.payload.get("latest") else None
            when = min(until, latest) if latest and latest > tx.now else until
            timers.set(tx, one.kind, one.subject, when, {**one.payload, "again": True})
            word = nudging.word_of(one)
            seq = clocks.snoozed(tx, id, word, when, by=call.person)
            capped = ", when its time is over" if when < until else ""
            at = clock(when, tx.now)
            said.append(f"🔕 *{id}*: reminders about *{esc(word)}* wait until *{at} UTC*{capped} (event {seq}).")
        return Reply(text=lines(*said, "What is due stays due."))

    def _nothing(self, call: Call) -> Impossible:
        words = [nudging.word_of(one) for one in nudging.live(call.tx, call.here.id)]
        there = f"Reminders to come: {', '.join(dict.fromkeys(words))}." if words else "No reminders are to come."
        if self.subject.lower() in ("acknowledge", "ack", "page"):
            return Impossible(f"A page cannot be put off. {there} Nothing was changed.", todo="`/incident ack`")
        return Impossible(
            f"{call.here.id} has no reminders about *{self.subject}*. {there} Nothing was changed.",
            todo=f"Try `/incident snooze {words[0]} 30m`" if words else "",
        )
