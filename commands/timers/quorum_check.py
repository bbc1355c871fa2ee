"""Once a day: could every quorum be reached by the people known now? Where not, before anybody needs it, it is said.

Belongs here: the look, the entry on the `org` stream and the message to administrators. Does not belong here: which
rules there are (playbooks/engine/quorum_check.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from commands.command import Reply
from commands.house import House
from commands.words import esc, lines
from playbooks.engine.model import Playbook
from playbooks.engine.quorum_check import Quorum, administrators, unreachable
from playbooks.errors import Refused
from storage import people, replies, timeline, timers
from storage.db import Tx
from storage.inbox import Ask
from storage.timeline import ORG, Entry

KIND, SUBJECT = "quorum-check", "org"
FIRST, EVERY = timedelta(minutes=5), timedelta(days=1)


def arm(tx: Tx) -> None:
    """Have it looked at soon after the first start, then daily, whatever restarts there are."""
    timers.ensure(tx, KIND, SUBJECT, tx.now + FIRST)


async def before(house: House) -> None:
    """Read every playbook while no transaction is open: the first time that takes seconds, and others want to write."""
    await asyncio.to_thread(house.library.names)


def act(tx: Tx, house: House, ask: Ask, subject: str) -> None:
    """Look, tell, and look again tomorrow. Call `before` first."""
    timers.set(tx, KIND, SUBJECT, tx.now + EVERY)
    found = unreachable(tx, house.policy, _playbooks(house))
    if not found:
        return
    _tell(tx, house, found)
    why = "\n".join(f"{one.what}: {one.able.why_not}" for one in found)
    body = {"rules": [one.code for one in found]}
    timeline.append(tx, ORG, Entry("policy.unreachable", "muster", body, {"why": why}))


def _playbooks(house: House) -> Iterator[Playbook]:
    for name in house.library.names():
        try:
            yield house.library.find(name)
        except Refused:
            continue  # `muster doctor` names files that cannot be read


def _tell(tx: Tx, house: House, found: list[Quorum]) -> None:
    """To every administrator; where the policy names none, the entry and `muster doctor` say it."""
    text = lines(
        "⚠️ *Nobody could approve this if it were needed now:*",
        *[f"• {esc(one.what)}: {esc(one.able.why_not)}" for one in found[:10]],
        "Add people to those groups, or change the policy. `muster doctor` looks at once.",
    )
    body = Reply(text=text).model_dump(mode="json")
    for person in administrators(tx, house.policy):
        for mine in people.accounts_of(tx, person, "slack")[:1]:
            day = f"{tx.now:%Y-%m-%d}"
            replies.add(
                tx, ask=None, account_kind="slack", account=mine.id, channel=None, body=body,
                id=f"quorum-check:{person}:{day}",
            )  # fmt: skip
