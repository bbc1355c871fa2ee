"""`/incident clock`: a duty to notify has begun."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from commands import clocks
from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident, bare
from commands.words import clock as clock_words
from commands.words import lines
from storage import clocks as kept
from storage.inbox import Ask
from storage.incidents import Impossible


@command(
    "incident clock",
    who="declare",
    group="Clocks and follow-ups",
    place="incident",
    examples=(
        "incident clock gdpr aware-since 13:40 personal data was in the export",
        "incident clock gdpr the bucket was public",
    ),
)
class Clock(InIncident):
    """Start a regulatory clock of the policy, or correct since when it runs

    It counts from when somebody became aware (now, or aware-since 13:40). Saying it again with another time and the
    reason corrects it; nothing resets it. Whoever leads is reminded at half, at four fifths, and when it is due.
    """

    clock: Annotated[str, Arg("word", "which one: gdpr, …")]
    aware: Annotated[datetime | None, Arg("time", "aware since 13:40 (UTC)", keyed=True, lead="aware-since")] = None
    reason: Annotated[str, Arg("rest", "what was found, or why the time is corrected")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident clock` alone."""
        return bare(ask)

    @classmethod
    def check(cls, values: Mapping[str, str], house: House) -> dict[str, str]:
        """A clock that the policy has."""
        return clocks.unknown(house.policy, values)

    def act(self, call: Call, seen: None) -> Reply:
        """The event, its timer, the board."""
        tx, found, rule = call.tx, call.here, clocks.rule(call.house.policy, self.clock)
        if found.status == "cancelled":
            raise Impossible(f"{found.id} was cancelled: it was no incident. Nothing was changed.",
                             todo=f"`/incident reopen incident={found.id} <why>` if it was one.")  # fmt: skip
        before = kept.get(tx, found.id, rule.name)
        if before is not None and before.running and self.aware is None:
            raise Impossible(
                f"The clock of {rule.name} runs already, since {clock_words(before.aware_at, tx.now)} UTC; nothing "
                "resets it. Nothing was changed.",
                todo=f"To correct it: `/incident clock {rule.name} aware-since 13:40 <why>`.",
            )
        made, seq = kept.start(
            tx, found.id, rule.name, by=call.person, aware_at=self.aware or tx.now, within=rule.within,
            reason=self.reason,
        )  # fmt: skip
        what = "corrected" if before else "started"
        told = clocks.whom(call.house.policy, rule.name)
        return Reply(
            text=lines(
                f"{clocks.line(call.house.policy, made, tx.now)} ({what}, event {seq}).",
                f"To be notified: {told}." if told else "",
                f"When it is done: `/incident notified {rule.name} incident={found.id} by=@who <reference>`.",
            ),
            buttons=(Button(label="Clocks", line=f"incident clocks {found.id}"),),
            data={"clock": rule.name, "due_at": made.due_at.isoformat(), "event": seq},
        )
