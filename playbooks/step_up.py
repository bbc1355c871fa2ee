"""Step-up: a person proves with a one-time code (TOTP, RFC 6238) that it is really they who ask.

A code is checked while the ask is being stored (`check`) and never stored itself: the ask then holds the id of a proof,
or "wrong:<why>". Whoever decides takes the proof (`take`), once. Belongs here: codes, what a proof is good for, the
words when it is not. Does not belong here: rows (storage/factors.py), where codes stand in an ask (bot/codes.py).
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta
from typing import NamedTuple

import pyotp

from playbooks.errors import Refused
from storage import factors
from storage.db import Tx
from storage.factors import ACTIVE, PENDING, Factor, Proof
from storage.sealing import Seal, Unsealable

STEP_S = 30
WINDOW = 1  # steps before and after the database's own
GOOD_FOR = timedelta(minutes=5)
ISSUER = "Muster"
ENROL = "`/playbook mfa` sets it up in a minute."
_CODE = re.compile(r"\d{6}")
_WRONG = "wrong:"


class Offer(NamedTuple):
    """A secret its owner is about to scan. secret: base32, as typed into an app; uri: what the QR code holds."""

    secret: str
    uri: str


def enrolled(tx: Tx, person: str) -> bool:
    """Whether this person has confirmed a factor."""
    found = factors.get(tx, person)
    return found is not None and found.state == ACTIVE


# --- enrolling ------------------------------------------------------------------------------------------------------


def offer(tx: Tx, seal: Seal, person: str, name: str) -> Offer | None:
    """A new secret, kept sealed until its first code. None: this person has an active factor."""
    secret = pyotp.random_base32()
    return _offer(secret, name) if factors.offer(tx, person, seal.close(secret)) else None


def offered(tx: Tx, seal: Seal, person: str, name: str) -> Offer | None:
    """The secret that waits for its first code; None where none does or another key sealed it."""
    found = factors.get(tx, person)
    if found is None or found.state != PENDING:
        return None
    secret = _opened(seal, found)
    return _offer(secret, name) if secret else None


def confirm(tx: Tx, person: str, proof: str, ask: str) -> Proof:
    """Make the offered factor the person's own. Raises Refused where the first code was not right."""
    if enrolled(tx, person):
        raise Refused("You have codes set up already.", todo="`/playbook mfa off code=…` turns them off.")
    found = _take(tx, person, proof, ask)
    if not factors.confirm(tx, person):
        raise Refused("No secret of yours waits for its first code.", todo=ENROL)
    return found


def _offer(secret: str, name: str) -> Offer:
    return Offer(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER))


# --- checking, inside the transaction that stores the ask -------------------------------------------------------------


def check(tx: Tx, seal: Seal | None, person: str | None, code: str, ask: str) -> str:
    """Judge a code: the id of a proof bound to this person and this ask, or "wrong:<why>". Never raises for a code.

    why: unknown (no person), no-key, not-enrolled, format, locked, replayed, wrong. Failures are written down.
    """
    if person is None:
        return f"{_WRONG}unknown"
    if seal is None:
        return f"{_WRONG}no-key"
    found = factors.get(tx, person, lock=True)
    if found is None or found.state not in (ACTIVE, PENDING):
        return f"{_WRONG}not-enrolled"
    digits = "".join(code.split())
    if not (digits.isascii() and _CODE.fullmatch(digits)):
        return f"{_WRONG}format"
    why = _judge(tx, seal, found, digits)
    if why in ("wrong", "replayed", "locked"):
        factors.failed(tx, person, why)
    return f"{_WRONG}{why}" if why else factors.prove(tx, person, "totp", ask)


def _judge(tx: Tx, seal: Seal, found: Factor, digits: str) -> str:
    """Why the code is not taken, "" when it is."""
    if found.locked_until is not None and found.locked_until > tx.now:
        return "locked"
    secret = _opened(seal, found)
    if secret is None:
        return "no-key"
    step = step_of(secret, digits, tx.now)
    if step is None:
        return "wrong"
    return "" if factors.advance(tx, found.person, step) else "replayed"


def step_of(secret: str, digits: str, now: datetime) -> int | None:
    """The time step this code belongs to, within the window around `now`; the newest that fits."""
    at = int(now.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret, interval=STEP_S)
    fits = [
        step for step in range(at - WINDOW, at + WINDOW + 1) if hmac.compare_digest(totp.generate_otp(step), digits)
    ]
    return fits[-1] if fits else None


def _opened(seal: Seal, found: Factor) -> str | None:
    try:
        return seal.open(found.secret)
    except Unsealable:
        return None


# --- taking, inside the transaction that decides ----------------------------------------------------------------------


def take(tx: Tx, person: str, proof: str, ask: str) -> Proof:
    """Use a proof, once; within one transaction it may be taken again. Raises Refused, with words, where it is none."""
    found = factors.get(tx, person)
    if proof and proof != f"{_WRONG}no-key" and (found is None or found.state != ACTIVE):
        raise Refused("You have no one-time codes set up, so nothing was done.", todo=ENROL)
    return _take(tx, person, proof, ask)


def _take(tx: Tx, person: str, proof: str, ask: str) -> Proof:
    if not proof or proof.startswith(_WRONG):
        raise _refusal(tx, person, proof.removeprefix(_WRONG))
    found = factors.proof(tx, proof)
    if found is None or found.person != person or found.ask != ask:
        raise Refused("That is no code of yours for this. Nothing was done.", todo="Ask again with a fresh code.")
    if tx.now - found.at > GOOD_FOR:
        raise Refused("Your code was right, but that is more than 5 minutes ago. Nothing was done.", todo="Ask again.")
    if found.used_at != tx.now and not factors.use(tx, proof):
        raise Refused("This code has been used. Nothing was done.", todo="Wait for the next one and ask again.")
    return found


def _refusal(tx: Tx, person: str, why: str) -> Refused:
    """The words for whoever gave no code, or one that was not taken."""
    found = factors.get(tx, person)
    if not why:
        todo = "Add `code=123456` with the six digits of your app." if found and found.state == ACTIVE else ENROL
        return Refused("This needs a one-time code. Nothing was done.", todo=todo)
    until = found.locked_until if found else None
    if until is not None and until > tx.now:
        return Refused(
            f"Too many wrong codes: locked until {until:%H:%M:%S} UTC. Nothing was done.",
            todo="If it was not you, tell an administrator now.",
        )
    left = factors.MOST_FAILURES - (found.failures if found else 0)
    tries = "one try" if left == 1 else f"{left} tries"
    said = {
        "unknown": ("Muster does not know who you are, so your code cannot be checked.", "Ask an administrator."),
        "no-key": ("One-time codes cannot be checked here: `MUSTER_KEY` is not set or is another one.",
                   "Whoever runs Muster sets it; `muster doctor` says more."),
        "not-enrolled": ("You have no one-time codes set up.", ENROL),
        "format": ("A code is six digits.", "Take the one your app shows now."),
        "replayed": ("This code has been used.", "Wait for the next one and ask again."),
        "unchecked": ("The code was not checked on its way in.", "Ask again."),
    }  # fmt: skip
    what, todo = said.get(why, (f"That code is wrong; {tries} left before a lock.", "Take the one your app shows now."))
    return Refused(f"{what} Nothing was done.", todo=todo)
