"""Where a card belongs: the incident's own channel, the place it was asked in, or the organisation's channels.

Belongs here: that choice, and channel names -> ids. Does not belong here: posting (bot/cards.py).
A private incident's card stands in its own channel or nowhere; it never falls back to a public place.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from playbooks.connectors.slack import SlackReads
from playbooks.policy import Policy
from storage import inbox, incidents, runs
from storage.cards import Card
from storage.db import Tx

WAIT_FOR_CHANNEL_S = 15.0  # a channel is usually there within two seconds; then people must see it somewhere
LOOK_AGAIN_S = 30.0
ASK_AGAIN_S = 30.0  # for a name that Slack did not have among the channels the bot is in


@dataclass(frozen=True)
class Place:
    """channel: id or "#name"; None: nowhere yet, `why` says it and `wait_s` when to look again."""

    channel: str | None
    why: str = ""
    wait_s: float = LOOK_AGAIN_S


def read_place(tx: Tx, card: Card, policy: Policy) -> Place:
    """Where this card belongs now."""
    incident = incidents.get(tx, card.stream)
    if card.kind == "announcement":
        if incident is not None and incident.private and card.ts:  # what became private is taken back where it stands
            return Place(card.channel, "it is nowhere to be seen")
        if incident is None or incident.private:
            return Place(None, "a private incident is never announced", 3600.0)
        return Place(policy.organisation.slack.announce)
    if incident is None:
        return _outside(tx, card, policy)
    if incident.channel:
        return Place(incident.channel)
    if incident.private:
        return Place(None, "its private channel is not open yet")
    left = WAIT_FOR_CHANNEL_S - (tx.now - incident.declared_at).total_seconds()
    if left > 0:
        return Place(None, "its channel is not open yet", left)
    if incident.origin_channel:
        return Place(incident.origin_channel)
    return Place(None, "its channel is not open yet")


def _outside(tx: Tx, card: Card, policy: Policy) -> Place:
    """Of no incident: approvals and decisions where policy says, everything else where it was asked for."""
    if card.kind == "home":
        return Place(card.subject.rpartition("/")[2])
    if card.kind == "triage":
        return Place(policy.alerts.channel or policy.organisation.slack.announce)
    if card.kind == "decision":
        return Place(policy.organisation.slack.approvals, "those who can decide are written to", 3600.0)
    run = runs.get(tx, card.subject.partition("#")[0]) or _of_approval(tx, card)
    ask = inbox.get(tx, run.ask) if run and run.ask else None
    asked_in = ask.channel if ask else None
    if card.kind == "approval":
        return Place(policy.organisation.slack.approvals or asked_in or policy.organisation.slack.announce)
    return Place(asked_in or policy.organisation.slack.announce)


def _of_approval(tx: Tx, card: Card) -> runs.Run | None:
    asked = runs.approval(tx, card.subject)
    return runs.get(tx, asked.run) if asked else None


class Places:
    """Channel names as people write them in the policy -> ids, asked of Slack rarely."""

    def __init__(self, slack: SlackReads) -> None:
        self._slack = slack
        self._ids: dict[str, str] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def id_of(self, channel: str) -> str:
        """The id of "#incidents"; an id stays itself. A name the bot is not in stays a name: Slack then says why.

        Who comes while Slack is being asked waits for the answer, and an answer that never came is asked for again: a
        post under a name cannot be looked for, so a lost one would be posted twice.
        """
        if not channel.startswith("#"):
            return channel
        name = channel[1:]
        async with self._asking:
            if name not in self._ids and time.monotonic() - self._asked_at > ASK_AGAIN_S:
                self._ids = {one.name: one.id for one in await self._slack.channels_joined()}
                self._asked_at = time.monotonic()
        return self._ids.get(name, channel)
