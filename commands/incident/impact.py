"""`/incident impact`: who is hit, how badly, since when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import clock, cut, esc, lasted
from playbooks.errors import Refused
from storage import impact
from storage.impact import Impact as Said
from storage.inbox import Ask


@command(
    "incident impact",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=(
        'incident impact users="12 % of checkouts" revenue="4,000 EUR a minute" from=13:59',
        "incident impact to=14:11 all shops work again",
    ),
)
class Impact(InIncident):
    """Say who is hit: users, revenue, from and to

    What you leave out stays as it was said before. It is shown on the board and in the post-mortem.
    """

    users: Annotated[str, Arg("word", "how many, or which", keyed=True)] = ""
    revenue: Annotated[str, Arg("word", "what it costs", keyed=True)] = ""
    from_: Annotated[datetime | None, Arg("time", "since when people notice: 13:59 in UTC", keyed=True)] = None
    to: Annotated[datetime | None, Arg("time", "until when, in UTC", keyed=True)] = None
    text: Annotated[str, Arg("rest", "in words")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident impact` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """One event with what was given; then all of it as it stands."""
        if not (self.users or self.revenue or self.from_ or self.to or self.text):
            raise Refused("Say who is hit. Nothing was changed.", todo=f"Try `/{self.examples[0]}`")
        seq = impact.say(
            call.tx, call.here.id, by=call.person, users=self.users, revenue=self.revenue, text=self.text,
            began_at=self.from_, ended_at=self.to,
        )  # fmt: skip
        now = impact.of_incident(call.tx, call.here.id)
        return Reply(text=f"*{call.here.id}* · {words(now, call.tx.now)} (event {seq}).", data={"event": seq})


def words(said: Said, now: datetime) -> str:
    """`users 12 % of checkouts · revenue … · 13:59 to 14:11 (12 min)`"""
    parts = [
        f"{name} *{esc(cut(one, 200))}*" for name, one in (("users", said.users), ("revenue", said.revenue)) if one
    ]
    if said.began_at and said.ended_at:
        took = lasted(said.ended_at - said.began_at)
        parts.append(f"from *{clock(said.began_at, now)}* to *{clock(said.ended_at, now)} UTC* ({took})")
    elif said.began_at or said.ended_at:
        at = said.began_at or said.ended_at
        assert at is not None
        parts.append(f"{'since' if said.began_at else 'until'} *{clock(at, now)} UTC*")
    return " · ".join([*parts, *([esc(cut(said.text, 300))] if said.text else [])])
