"""Setting up one-time codes: the secret behind the form, and the single-use picture of it that Slack fetches.

Belongs here: making the offer when the form is opened, tickets of pictures. Does not belong here: how the form looks
(render/enrolment.py), serving the picture (web/mfa.py), the first code (it comes back as an ask).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from bot.render import enrolment
from bot.render.blocks import Block
from bot.render.forms import Origin
from commands.house import House
from playbooks import step_up
from storage import factors, people
from storage.db import Tx
from storage.inbox import Ask
from storage.sealing import Seal, Unsealable
from storage.types import from_iso, iso

GOOD_FOR = timedelta(minutes=5)
NO_KEY = "One-time codes cannot be set up: MUSTER_KEY is not set. Whoever runs Muster sets it (muster key prints one)."
ALREADY = (
    "You have one-time codes set up. /playbook mfa off code=… turns them off; /playbook mfa reset is for a lost phone."
)


@dataclass(frozen=True)
class _Made:
    """What the form shows: the secret and the picture's ticket, or only words."""

    words: str = ""
    secret: str = ""
    ticket: str = ""


class Enrolling:
    """Makes the form of `/playbook mfa`."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def view(self, ask: Ask, origin: Origin) -> Block:
        """The form with a new secret, or words why there is none. Raises Unreachable."""
        made = await self._house.db.write(lambda tx: self._offer(tx, ask))
        if made.words:
            return enrolment.words(made.words, origin)
        url = self._house.url
        picture = f"{url}/mfa/{made.ticket}.png" if url.startswith("https://") else ""
        return enrolment.form(made.secret, picture, origin, self._house.policy)

    def _offer(self, tx: Tx, ask: Ask) -> _Made:
        house = self._house
        if house.seal is None:
            return _Made(NO_KEY)
        actor = house.directory.actor(tx, ask.account_kind, ask.account, house.policy)
        if actor.person is None:
            return _Made(actor.why_not or "Muster does not know who you are.")
        offer = step_up.offer(tx, house.seal, actor.person, actor.name)
        if offer is None:
            return _Made(ALREADY)
        return _Made(secret=offer.secret, ticket=ticket(tx, house.seal, actor.person))


def ticket(tx: Tx, seal: Seal, person: str) -> str:
    """What stands in the picture's address: sealed, for this person's pending secret, from now."""
    found = factors.get(tx, person)
    assert found is not None, "it was offered in this transaction"
    about = {"person": person, "of": _print(found.secret), "at": iso(tx.now)}
    return seal.close(json.dumps(about)).rstrip("=")


def redeem(tx: Tx, seal: Seal, ticket: str) -> str | None:
    """What the picture holds, once, within five minutes, while that secret waits for its first code; else None."""
    try:
        about = json.loads(seal.open(ticket + "=" * (-len(ticket) % 4)))
    except (Unsealable, ValueError):
        return None
    person = str(about["person"])
    found = factors.get(tx, person)
    if found is None or _print(found.secret) != about["of"] or tx.now - from_iso(about["at"]) > GOOD_FOR:
        return None
    offer = step_up.offered(tx, seal, person, people.name(tx, person))
    return offer.uri if offer is not None and factors.shown(tx, person, found.secret) else None


def _print(sealed: str) -> str:
    return hashlib.sha256(sealed.encode()).hexdigest()[:16]
