"""`/incident page`: call somebody who is needed now."""

from __future__ import annotations

import hashlib
from typing import Annotated

from commands.by_hand import call_by_hand
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident, bare
from commands.reaching import CALL, asking, look, names, reach
from commands.starting import try_start
from commands.timers import settle
from commands.words import esc, lines, safe
from playbooks.policy import Policy
from storage.inbox import Ask
from storage.incidents import Impossible


@command(
    "incident page",
    who="declare",
    group="People",
    place="incident",
    examples=(
        "incident page @sre the database will not come up",
        "incident page checkout we need a second pair of eyes",
    ),
)
class Page(InIncident):
    """Page somebody: a person, a group, or who is on call for a service

    Their phone rings, they get a direct message, and they are invited to the channel. Of a group those on call.
    """

    whom: Annotated[str, Arg("whom", "@ben, a group such as @sre, or a service: its on-call")]
    message: Annotated[str, Arg("rest", "what they are needed for")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident page` alone."""
        return bare(ask)

    @classmethod
    def by_hand(cls, policy: Policy) -> str:
        """The telephone still works."""
        return call_by_hand(policy, None)

    async def before(self, ask: Ask, house: House) -> None:
        """Who that is, now."""
        await look(ask, house, self.whom)

    def act(self, call: Call, seen: None) -> Reply:
        """The run that calls them; the same ask never calls twice."""
        found = call.here
        if not found.open:
            raise Impossible(
                f"{found.id} was {found.status}; nobody was paged.",
                todo=f"`/incident reopen incident={found.id} <why>` if it is back.",
            )
        them = reach(call, self.whom)
        key = f"muster/{found.id}/{hashlib.sha256(call.ask.key.encode()).hexdigest()[:12]}"
        given = {"emails": list(them.emails), "users": list(them.users), "key": key,
                 "text": asking(call, found, self.message)}  # fmt: skip
        run, problem = try_start(call, CALL, given, found)
        if run is None:
            by_hand = call_by_hand(call.house.policy, found.service)
            return Reply(text=f"⚠️ *Nobody was paged*: {safe(problem)} {by_hand}", ok=False)
        settle.arm(call.tx, run)
        whom = names(call, them.persons)
        group = f" ({esc(them.named)})" if len(them.persons) > 1 or self.whom[:1] == "@" else ""
        silent = "" if them.emails else "⚠️ No e-mail of theirs is known, so no phone rings: they are only written to."
        return Reply(text=lines(f"📟 Paging {whom}{group} for *{found.id}*.", silent), data={"run": run})
