"""`/incident tell`: a letter to one audience, in the words of its template; shown first, sent by its button."""

from __future__ import annotations

from typing import Annotated

from commands.command import Button, Call, Reply, command
from commands.facts import facts, filled, list_for, template_for
from commands.fields import Arg
from commands.letters import Letter
from commands.places import InIncident, bare
from commands.words import cut, esc, lines
from playbooks.errors import Refused
from playbooks.policy_sends import Audience
from storage.inbox import Ask
from storage.incidents import Incident

AUDIENCES = ("internal", "customers", "executives", "regulator")


@command(
    "incident tell",
    who="declare",
    group="While it goes on",
    place="incident",
    examples=(
        "incident tell executives Cards are declined; we fail over at 14:10.",
        'incident tell customers template=service_disruption_customer effect="Payments failed." ended="14:50 UTC"',
    ),
)
class Tell(InIncident):
    """Write to colleagues, customers, management or an authority: shown to you first, then sent

    By mail, in the words of the policy's template for that audience, filled with what is known of the incident.
    """

    audience: Annotated[Audience, Arg("choice", "for whom", choices=AUDIENCES)]
    template: Annotated[str, Arg("word", "another template than the audience's own", keyed=True)] = ""
    list: Annotated[str, Arg("word", "which mail list, where the audience has several", keyed=True)] = ""
    values: Annotated[dict[str, str], Arg("inputs", "values of the template that are not known, or other ones")] = {}  # noqa: RUF012
    text: Annotated[str, Arg("rest", "what you say; the last update when left out")] = ""

    @classmethod
    def form(cls, ask: Ask) -> bool:
        """`/incident tell` alone."""
        return bare(ask)

    def act(self, call: Call, seen: None) -> Reply:
        """Nothing is sent yet: the button sends the words of this very ask."""
        found = call.here
        letter = self.letter(call, found)
        subject, body = letter.words
        quoted = "\n".join(f"> {esc(line)}" for line in body.splitlines())
        count = len(letter.to.to)
        goes = f"Goes to: {esc(letter.to.title)} (`{esc(letter.to.name)}`, {count} address{'es' if count > 1 else ''})"
        second = "; somebody else than you has to release it first" if letter.to.second_person else ""
        line = f"incident send {found.id} draft={call.ask.key} shown={letter.digest}"
        button = Button(label="Send", line=line, style="primary")
        named = f"{found.id} for {self.audience}* (template `{letter.template.name}`)"
        head = f"*Preview of a letter about {named}, not sent yet:"
        text = lines(head, f"*{esc(subject)}*", cut(quoted, 6000), f"{goes}{second}. Mail cannot be taken back.")
        return Reply(text=text, buttons=(button,))

    def letter(self, call: Call, found: Incident) -> Letter:
        """What would be sent. Raises Refused for a private incident or a drill, and for what is missing."""
        if found.private and self.audience != "regulator":
            raise Refused(f"{found.id} is private: nobody but an authority is written to about it. Nothing was sent.")
        if found.kind == "drill" and self.audience != "internal":
            raise Refused(f"{found.id} is a drill: nobody outside is written to. Nothing was sent.")
        policy = call.house.policy
        template = template_for(policy, self.audience, self.template)
        to = list_for(policy, self.audience, self.list)
        given = {**self.values, **({"text": self.text} if self.text else {})}
        return Letter(template, to, filled(template, given, facts(call, found)))
