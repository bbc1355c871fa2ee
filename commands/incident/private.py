"""`/incident private`: not everybody's any more."""

from __future__ import annotations

from typing import Annotated

from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import channel_of, lines
from storage import incidents, standing
from storage.inbox import Ask


@command(
    "incident private",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=("incident private personal data is involved",),
)
class Private(InIncident):
    """Show it only to those who take part and who may see private ones, from now on; there is no way back

    What was public before cannot be unread: the announcement loses its title, nothing more is announced or published.
    """

    reason: Annotated[str, Arg("rest", "why")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident private` alone: there is no way back, so it asks once."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """The entry; what a bot cannot do is said."""
        tx, found = call.tx, call.here
        standing.make_private(tx, found.id, by=call.person, reason=self.reason)
        part = {found.declared_by, found.acknowledged_by, *(one.person for one in incidents.roles_of(tx, found.id))}
        standing.keep_followers(tx, found.id, [one for one in part if one])
        page = "⚠️ What stands on the status page stays there: take it back by hand." * bool(
            found.facts.get("status_page_incident")
        )
        room = f"⚠️ {channel_of(found)} is still public, since Slack lets no bot change that: " if found.channel else ""
        todo = "open its settings and choose *Change to a private channel* now." if room else ""
        return Reply(text=lines(f"🔒 *{found.id}* is private from now on.", f"{room}{todo}", page))
