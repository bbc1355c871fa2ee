"""Heads of timelines are due outside: a run of `record/anchor`, since an anchor is an effect like any other.

Belongs here: which heads, to which of the policy's places, when again. Does not belong here: carrying them there
(playbooks/actions/record), what became of it (anchored.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from commands.house import House
from playbooks.engine.requests import start_run
from playbooks.errors import Refused
from playbooks.policy_anchors import Anchors
from storage import anchors, incidents, timeline, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.timeline import Head
from storage.types import iso

PLAYBOOK = "record/anchor"
LATEST = timedelta(minutes=10)  # when a run has not said it ended, it is looked at after so long
MORE = timedelta(seconds=15)  # there are more than one run carries
BROKEN_AGAIN = timedelta(hours=1)  # how often a place is tried where none works


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """subject: a stream whose head must be anchored now, or "all": every head that moved, and this timer again."""
    rules = house.policy.anchors
    if not rules.places:
        return
    if subject != anchors.ALL:
        head = timeline.head(tx, subject)
        if head.seq:
            carry(tx, house, [head], rules.places)
        return
    works = [place for place in rules.places if place not in anchors.broken(tx)]
    heads = anchors.due(tx, works or rules.places, org_every=rules.org)
    carry(tx, house, heads, rules.places)  # a broken place is tried along with the others
    again = rules.every if works else max(rules.every, BROKEN_AGAIN)
    if len(heads) == anchors.AT_ONCE:
        again = MORE
    timers.set(tx, anchors.TIMER, anchors.ALL, tx.now + again)


def carry(tx: Tx, house: House, heads: Sequence[Head], places: Sequence[str]) -> None:
    """Start the runs that carry heads to the places that lack them; those of private incidents not to Slack."""
    secret = {head.stream for head in heads if _private(tx, head.stream)}
    for private, where in ((False, list(places)), (True, anchors.for_private(places))):
        part = [head for head in heads if (head.stream in secret) is private and not anchors.has(tx, head, where)]
        if part and where:
            _start(tx, house, part, where)


def _private(tx: Tx, stream: str) -> bool:
    found = incidents.get(tx, stream)
    return found is not None and found.private


def _start(tx: Tx, house: House, heads: Sequence[Head], places: Sequence[str]) -> None:
    try:
        playbook = house.library.find(PLAYBOOK)
    except Refused as error:
        anchors.told(tx, "", dict.fromkeys(places, str(error)), ())
        return
    inputs = {"heads": [anchors.name_of(head) for head in heads], "at": iso(tx.now)}
    run = start_run(
        tx, house.engine, playbook=playbook, inputs={**inputs, **_places(house.policy.anchors, places)}, incident=None,
        requester="muster", shown=False,
    )  # fmt: skip
    timers.set(tx, "anchored", run, tx.now + LATEST)


def _places(rules: Anchors, places: Sequence[str]) -> dict[str, Any]:
    """What the playbook asks for; None for what is not wanted."""
    s3 = rules.s3 if "s3" in places else None
    return {
        "channel": rules.slack if "slack" in places else None,
        "file": rules.file if "file" in places else None,
        "bucket": s3.bucket if s3 else None,
        "prefix": s3.prefix if s3 else None,
        "retain_s": int(s3.retain.total_seconds()) if s3 else None,
        "mode": s3.mode if s3 else None,
    }
