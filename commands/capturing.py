"""A message of Slack on an incident's timeline: looking at it, keeping it, noting what became of it.

Belongs here: what captures and its opposite share with the news Slack brings of a message. Does not belong here: the
verbs (incident/capture.py, incident/uncapture.py), rows and events (storage/captures.py). What people wrote is looked
up when it is needed and goes into texts alone: never into an event's body, an ask or a log.
"""

from __future__ import annotations

from dataclasses import dataclass

from commands.house import House
from playbooks.errors import MusterError, NotConfigured
from playbooks.policy import Policy
from playbooks.ports import Messages, SaidMessage
from storage import captures, people
from storage.captures import Captured
from storage.db import Tx

TEXT_MOST = 8000
FILES_MOST = 20


@dataclass(frozen=True)
class Looked:
    """What Slack shows of a message now. said: None where there is none; problem: why nobody could look, or "";
    private: whether only the members of its channel read it, where that was asked."""

    said: SaidMessage | None = None
    problem: str = ""
    private: bool = False


def place_of(message: str) -> tuple[str, str]:
    """ "C1/1700000000.000100" -> channel and ts."""
    channel, _, ts = message.partition("/")
    return channel, ts


async def look(house: House, channel: str, ts: str, *, abroad: bool = False) -> Looked:
    """Ask Slack; a Slack that does not answer is said in words, since what is kept then is the link alone.

    abroad: somebody asks from elsewhere, so it matters whether only its members read the channel.
    """
    slack = house.engine.house.tools.get(Messages)
    try:
        if slack is None:
            raise NotConfigured("Slack is not configured here.")
        said = await slack.said(channel, ts)
        return Looked(said, private=abroad and said is not None and await slack.private(channel))
    except MusterError as error:
        return Looked(problem=error.message)


def marked(policy: Policy, said: SaidMessage) -> bool:
    """Whether the message still wears what the policy captures by."""
    capture = policy.capture
    return (capture.pins and said.pinned) or (capture.reaction is not None and capture.reaction in said.marks)


def keep(tx: Tx, house: House, incident: str, place: tuple[str, str], looked: Looked, *, by: str, how: str) -> int:
    """Put it on the timeline, with its words where they could be read; returns the event's number."""
    channel, ts = place
    said = looked.said
    if said is None:
        link = f"https://slack.com/archives/{channel}/p{ts.replace('.', '')}"
        return captures.keep(tx, incident, channel, ts, by=by, how=how, author=None, texts={"link": link})
    author = house.directory.person_by_slack(tx, said.user) if said.user else None
    files = "\n".join(f"{name} {link}".strip() for name, link in said.files[:FILES_MOST])
    texts = {"text": said.text[:TEXT_MOST], "link": said.link, "files": files}
    texts |= {"author": said.user} if said.user and author is None else {}
    given = {name: text for name, text in texts.items() if text or name == "text"}
    return captures.keep(tx, incident, channel, ts, by=by, how=how, author=author, texts=given)


def note_change(tx: Tx, house: House, one: Captured, looked: Looked) -> int | None:
    """An edit or the end of a message that is kept: an event where something changed. Who did it: its author."""
    said = looked.said
    if looked.problem:
        return captures.edited(tx, one, None, by="slack")
    if said is None:
        return captures.deleted(tx, one, by="slack")
    text = said.text[:TEXT_MOST]
    if one.last is None or captures.words(tx, one) == text:
        return None
    author = house.directory.person_by_slack(tx, said.user) if said.user else None
    return captures.edited(tx, one, text, by=author or "slack")


def called(tx: Tx, said: SaidMessage, house: House) -> str:
    """The author as people call them, "" where nobody knows."""
    person = house.directory.person_by_slack(tx, said.user) if said.user else None
    return people.name(tx, person) if person else ""
