"""Tools that are not outside services: what actions may ask of Muster's own record and policy, handed in by `bot`.

Belongs here: small typed interfaces. Does not belong here: any implementation (they live above or in storage), because
actions never import storage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A kept text file. name: as people see it ("INC-42-post-mortem.md"); sha256: of the UTF-8 body, hex."""

    id: str
    name: str
    body: str
    sha256: str


class Drafts(ABC):
    """Drafts built from the timeline, and the texts Muster keeps."""

    vendor = "drafts"

    @abstractmethod
    async def post_mortem(self, incident: str, key: str) -> Document:
        """Build the post-mortem draft of an incident ("INC-42") and keep it. Same key: the same document again."""

    @abstractmethod
    async def read(self, document: str, incident: str) -> Document:
        """A kept document of this incident by id. Raises Refused when it has none: names of others' can be guessed."""


@dataclass(frozen=True)
class Listed:
    """A service of the policy at one site. tier: 0 recovers first; health_url: None where it has none."""

    name: str
    title: str
    tier: int
    health_url: str | None


class Services(ABC):
    """The services there are, for actions that look at all of them."""

    vendor = "the policy"

    @abstractmethod
    def at(self, site: str) -> tuple[Listed, ...]:
        """Every service with what it has at that site, in the order of recovery."""


class Record(ABC):
    """What the timeline says, for actions that carry it outside."""

    vendor = "the record"

    @abstractmethod
    async def holds(self, heads: tuple[str, ...]) -> None:
        """Refused unless each of these heads (INC-42@41:sha256:…) is an event of the timeline: nobody anchors a lie."""


@dataclass(frozen=True)
class SaidMessage:
    """A message of somebody's. user: Slack id, "" for none; files: (name, link); marks: emoji names it wears now."""

    channel: str
    ts: str
    user: str
    text: str
    link: str
    files: tuple[tuple[str, str], ...] = ()
    marks: frozenset[str] = frozenset()
    pinned: bool = False
    edited: bool = False
    bot: bool = False


class Messages(ABC):
    """Messages that people wrote, for those who put one on a timeline."""

    vendor = "Slack"

    @abstractmethod
    async def said(self, channel: str, ts: str) -> SaidMessage | None:
        """A message as it stands now, with its link; None when there is none any more."""

    @abstractmethod
    async def private(self, channel: str) -> bool:
        """Whether only its members read this channel."""
