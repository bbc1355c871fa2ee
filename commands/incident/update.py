"""`/incident update`: say where things stand; a preview first, sent by its button."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.fields import Arg
from commands.places import InIncident, bare
from commands.words import channel_of, esc, lines
from playbooks.policy import Policy
from storage.inbox import Ask
from storage.incidents import Impossible, Incident

SAID = ("investigating", "identified", "monitoring")


@command(
    "incident update",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=(
        "incident update Checkout is back; we are watching.",
        "incident update status=identified The database is failing over.",
    ),
)
class Update(InIncident):
    """Tell people where things stand: shown to you first, then sent

    Goes to the channel, the announcement and, where one is open, the status page.
    """

    status: Annotated[str, Arg("choice", "what the status page says", keyed=True, choices=SAID)] = ""
    text: Annotated[str, Arg("rest", "what people should know")]

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident update` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """Nothing is sent yet: the button sends the words of this very ask."""
        found = call.here
        if not found.open:
            raise Impossible(
                f"{found.id} was {found.status}; there is nothing more to tell people. Nothing was sent.",
                todo=f"`/incident note incident={found.id} …` still writes to its timeline.",
            )
        quoted = "\n".join(f"> {esc(line)}" for line in self.text.splitlines())
        button = Button(label="Send", line=f"incident send {found.id} draft={call.ask.key}", style="primary")
        policy = call.house.policy
        second = (
            " Somebody else than you has to release it for the status page." if second_person(policy, found) else ""
        )
        head = f"*Preview of the update of {found.id}* (*{self.said(found)}*), not sent yet:"
        return Reply(text=lines(head, quoted, f"Goes to: {where(found)}.{second}"), buttons=(button,))

    def said(self, found: Incident) -> str:
        """The status it tells: the one given, else the one told last, else what fits the incident's own."""
        if self.status:
            return self.status
        if found.status == "mitigated":
            return "monitoring"
        return found.status if found.status in SAID else "investigating"


def second_person(policy: Policy, found: Incident) -> bool:
    """Whether what is written now for the status page waits for somebody else (`status_page.second_person`)."""
    if found.private or found.kind == "drill" or not found.facts.get("status_page_incident"):
        return False
    return policy.severity(found.severity).status_page.second_person


def where(found: Incident) -> str:
    """Who will read it."""
    places = [channel_of(found)]
    if not found.private:
        places.append("the announcement")
        page = bool(found.facts.get("status_page_incident"))
        places.append("the status page" if page else "the status page: *no*, nothing is published there")
    return ", ".join(places)
