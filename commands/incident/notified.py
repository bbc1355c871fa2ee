"""`/incident notified`: the notice that the law wants was given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from commands import clocks
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.kinds import ME, NOBODY
from commands.places import InIncident, bare
from commands.reaching import look, person_by
from commands.words import clock as clock_words
from commands.words import esc, lines
from playbooks.errors import Refused
from storage import clocks as kept
from storage.inbox import Ask


@command(
    "incident notified",
    who="declare",
    group="Clocks and follow-ups",
    place="incident",
    examples=(
        "incident notified gdpr reference IMY-2026-1187",
        "incident notified gdpr at 16:05 sent by the form of the authority",
    ),
)
class Notified(InIncident):
    """Say that a regulatory notice was given, by whom and when

    Its clock ends and reminds nobody any more. Muster itself sends no notice.
    """

    clock: Annotated[str, Arg("word", "which one: gdpr, …")]
    by: Annotated[str, Arg("person", "who gave it; you when left out", keyed=True)] = ME
    at: Annotated[datetime | None, Arg("time", "when, in UTC; now when left out", keyed=True, lead="at")] = None
    reference: Annotated[str, Arg("rest", "how, and the reference you were given")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident notified` alone."""
        return bare(ask)

    @classmethod
    def check(cls, values: Mapping[str, str], house: House) -> dict[str, str]:
        """A clock that the policy has."""
        return clocks.unknown(house.policy, values)

    async def before(self, ask: Ask, house: House) -> None:
        """Who that is, where nobody has seen them yet."""
        if self.by not in (ME, NOBODY):
            await look(ask, house, self.by)

    def act(self, call: Call, seen: None) -> Reply:
        """The event; the board shows who and when."""
        tx, found, policy = call.tx, call.here, call.house.policy
        rule = clocks.rule(policy, self.clock)
        if self.by == NOBODY:
            raise Refused("A notice is given by somebody. Nothing was changed.", todo="Name them: `by=@dov`.")
        person = call.person if self.by == ME else person_by(call, self.by)
        when = self.at or tx.now
        seq = kept.notified(
            tx, found.id, rule.name, by=call.person, person=person, at=when, reference=self.reference
        )  # fmt: skip
        made = kept.get(tx, found.id, rule.name)
        late = made is not None and made.due_at < when
        name = esc(call.house.directory.name(tx, person))
        return Reply(
            text=lines(
                f"✅ *{found.id}*: {esc(rule.title)} was notified by *{name}* at {clock_words(when, tx.now)} UTC "
                f"(event {seq}).",
                f"⚠️ It was due {clock_words(made.due_at, tx.now)} UTC; say why it is late in a note."
                if late and made
                else "",
            ),
            data={"event": seq, "late": late},
        )
