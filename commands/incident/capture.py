"""`/incident capture`: a message of Slack belongs on the timeline."""

from __future__ import annotations

from typing import Annotated

from commands.capturing import Looked, called, keep, look, place_of
from commands.command import Call, Reply, command
from commands.fields import Arg
from commands.house import House
from commands.places import InIncident, visible
from commands.words import esc
from playbooks.errors import Refused
from storage import captures, incidents
from storage.inbox import Ask
from storage.incidents import Incident


@command(
    "incident capture",
    group="While it goes on",
    place="here",
    examples=("incident capture https://example.slack.com/archives/C0123456789/p1763820125000100",),
)
class Capture(InIncident):
    """Put a message on the timeline, with its author, time and link

    A pin, the reaction that policy `capture` names, and the message shortcut do the same. Files keep their links; later
    edits are noted.
    """

    message: Annotated[str, Arg("message", "the message's link")]
    how: Annotated[
        str, Arg("choice", "by what", keyed=True, choices=("typed", "pin", "reaction", "shortcut", "declared"))
    ] = "typed"

    async def before(self, ask: Ask, house: House) -> Looked:
        """The message as it stands now."""
        channel, ts = place_of(self.message)
        return await look(house, channel, ts, abroad=channel != ask.channel)

    def act(self, call: Call, seen: Looked) -> Reply:
        """Once for each message. A pin outside incidents' channels is nobody's business here."""
        found, (channel, ts) = call.incident, place_of(self.message)
        if found is None:
            if self.how in ("pin", "reaction"):
                return Reply(text="")
            raise Refused("Which incident's timeline? This is no incident's channel. Nothing was kept.",
                          todo="Name it: `/incident capture INC-42 <the message's link>`.")  # fmt: skip
        if self._hidden(call, channel, seen) or (seen.said is None and not seen.problem):
            raise Refused("There is no such message any more, or Muster is not in its channel. Nothing was kept.",
                          todo="Invite Muster there, or copy the link once more. In a private channel, type it in that "
                               "channel.")  # fmt: skip
        self._stays(call, channel, found)
        known = captures.get(call.tx, channel, ts, found.id)
        if known and known.state == captures.KEPT and (known.last is not None or seen.problem):
            text = "" if self.how in ("pin", "reaction") else f"It is on *{found.id}* already (event {known.event})."
            return Reply(text=text, data={"event": known.event})
        seq = keep(call.tx, call.house, found.id, (channel, ts), seen, by=call.person, how=self.how)
        if seen.said is None:
            return Reply(
                text=f"⚠️ Kept on *{found.id}* by its link alone (event {seq}): {esc(seen.problem)} Its words were "
                "*not* read; `/incident capture` it once more to have them.",
                ok=False, data={"event": seq},
            )  # fmt: skip
        who = called(call.tx, seen.said, call.house)
        of = f" of *{esc(who)}*" if who else ""
        return Reply(text=f"📌 The message{of} is on *{found.id}* (event {seq}).", data={"event": seq})

    def _hidden(self, call: Call, channel: str, seen: Looked) -> bool:
        """Whether Muster reads there and whoever asks may not: a private incident's channel, any other private one that
        they do not ask from, somebody's own messages.

        A link alone must not bring its words to a timeline that others read.
        """
        if channel == call.ask.channel:
            return False
        owner = incidents.by_channel(call.tx, channel)
        unknown = owner is not None and not visible(call.tx, call.house.policy, owner, call.actor, call.ask.channel)
        return unknown or channel.startswith("D") or (owner is None and seen.private)

    def _stays(self, call: Call, channel: str, found: Incident) -> None:
        """What is said of a private incident goes on no public timeline. Raises Refused."""
        owner = incidents.by_channel(call.tx, channel)
        if owner is not None and owner.private and owner.id != found.id and not found.private:
            raise Refused(
                f"That message is of {owner.id}, which is private, and {found.id} is not. Nothing was kept.",
                todo=f"`/incident note incident={found.id} …` says in your words what others may know.",
            )
