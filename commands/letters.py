"""A letter about an incident: what a template, a list and values make, and handing it to a run or to a second person.

Belongs here: its words, sending it once. Does not belong here: the values (facts.py), who asks (commands/incident).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from commands.command import Call, Reply
from commands.starting import start
from commands.timers import settle
from commands.words import esc
from playbooks.errors import Refused
from playbooks.policy_sends import MailList, Template
from storage import proposals, timeline
from storage.incidents import Incident
from storage.timeline import Entry

PLAYBOOK = "comms/tell"
RELEASES = "Somebody else than you reads the card in {where} and presses *Publish*."


@dataclass(frozen=True)
class Letter:
    """A template, a list, and the values that fill the one for the other."""

    template: Template
    to: MailList
    values: dict[str, str]

    @property
    def words(self) -> tuple[str, str]:
        """Subject and body."""
        return self.template.written(self.values)

    @property
    def digest(self) -> str:
        """Twelve hex digits of what is sent to whom: a preview is sent as it was shown, or not at all."""
        return hashlib.sha256("\x00".join([self.to.name, *self.words]).encode()).hexdigest()[:12]


def inputs_of(to: str, template: str, values: dict[str, str]) -> dict[str, object]:
    """As comms/tell takes them."""
    return {"to": to, "template": template, "values": [f"{name}={value}" for name, value in values.items()]}


def send(call: Call, found: Incident, letter: Letter, *, draft: str, shown: str, where: str) -> Reply:
    """Start the run that mails it, or put it on a card for a second person. shown: digest of the preview."""
    if letter.digest != shown:
        raise Refused(f"What is known of {found.id} changed since that preview, so it would read otherwise now. "
                      "Nothing was sent.", todo="Write it again: `/incident tell …`")  # fmt: skip
    subject, body = letter.words
    to, template = letter.to.name, letter.template.name
    if letter.to.second_person:
        proposals.redraw(call.tx, found.id)
        seq = proposals.propose(
            call.tx, found.id, "mail", by=call.person, draft=draft, subject=subject, text=body, to=to,
            template=template, values=letter.values,
        )  # fmt: skip
        return Reply(text=f"🔐 The letter is *not sent yet* (event {seq}). {RELEASES.format(where=where)}")
    run = start(call, PLAYBOOK, inputs_of(to, template, letter.values), found)
    settle.arm(call.tx, run)
    event = {"draft": draft, "to": to, "template": template}
    seq = timeline.append(call.tx, found.id, Entry("incident.letter", call.person, event, {"subject": subject}))[0]
    return Reply(text=f"✉️ “{esc(subject)}” goes to `{esc(to)}` (event {seq}).", data={"run": run})
