"""The card of words for the public that wait for a second person.

Belongs here: the words as people outside will read them, and who let them go. Does not belong here: who may
(commands/incident/publish.py decides).
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.render.blocks import Drawn, buttons, drawn, escape, person, said
from bot.render.facts import Around, names
from commands.command import Button
from playbooks.policy import Policy
from storage import incidents, proposals
from storage.db import Tx
from storage.proposals import OPEN, RELEASED, Proposal

WHERE = {"page": "the status page", "update": "the status page"}


@dataclass(frozen=True)
class PublicFacts:
    """The words, and whether their incident goes on."""

    words: Proposal
    open: bool


def read(tx: Tx, subject: str, policy: Policy, url: str) -> tuple[PublicFacts, Around] | None:
    """The words of `INC-42/17`."""
    incident, _, seq = subject.partition("/")
    found, words = incidents.get(tx, incident), proposals.get(tx, incident, int(seq))
    if found is None or words is None:
        return None
    known = names(tx, [words.by, words.released_by])
    return PublicFacts(words, found.open), Around(policy, url, tx.now, known)


def draw(facts: PublicFacts, around: Around) -> Drawn:
    """What would be said, where, and what became of it."""
    words = facts.words
    where = WHERE.get(words.what) or f"`{escape(words.to)}` by mail"
    by, at = around.name(words.by), around.at(words.at)
    head = f"📣 *{words.incident} · for {where}*, by *{by}* {at}"
    status = f" (_{escape(words.status)}_)" if words.status else ""
    shown = f"*{person(words.subject, 255)}*{status}\n{said(words.text, 2500)}"
    if words.state == RELEASED:
        end = f"✅ released by *{around.name(words.released_by)}* {around.at(words.released_at)} UTC"
        return drawn([head, shown, end], text=head)
    if words.state != OPEN:
        return drawn([head, shown, "⚪ *never published*: newer words took their place"], text=head)
    if not facts.open and words.what != "mail":
        return drawn([head, shown, "⚪ *never published*: the incident has ended"], text=head)
    wanted = f"🔐 *not published yet*: somebody else than *{by}* reads and publishes it"
    return drawn([head, shown, wanted, *buttons([_publish(words)])], text=f"{head}: waits for a second person")


def _publish(words: Proposal) -> Button:
    return Button(
        label="Publish", line=f"incident publish {words.incident} proposal={words.seq}", style="primary",
        confirm="People outside will read this. It cannot be unsaid.",
    )  # fmt: skip
