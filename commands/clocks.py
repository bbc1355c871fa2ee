"""Regulatory clocks in words: what `/incident clock`, `clocks`, `notified`, reminders and the board share.

Belongs here: one line per clock, whom to notify, finding one by what people type. Does not belong here: the clocks
themselves (storage/clocks.py), reminding (commands/timers/clock.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from commands.words import clock, esc, lasted
from playbooks.errors import Refused
from playbooks.policy import LegalClock as Rule
from playbooks.policy import Policy
from playbooks.reading import nearest
from storage.clocks import LegalClock


def rule(policy: Policy, said: str) -> Rule:
    """The policy's clock of this name, whatever the case. Raises Refused with the nearest and all of them."""
    word = said.strip().lower()
    for name, one in policy.clocks.items():
        if word in (name.lower(), one.title.lower()):
            return one
    best = nearest(word, policy.clocks)
    near = f" Did you mean **{best}**?" if best else ""
    known = ", ".join(f"{name} ({one.title})" for name, one in policy.clocks.items())
    there = f" There are: {known}." if known else " The policy names none (section `clocks`)."
    raise Refused(f"There is no clock **{said}**.{near}{there} Nothing was changed.",
                  todo="`/incident clocks` shows those that run.")  # fmt: skip


def unknown(policy: Policy, values: Mapping[str, str]) -> dict[str, str]:
    """What a form has wrong in its clock."""
    try:
        rule(policy, values.get("clock", ""))
    except Refused as no:
        return {"clock": no.message.replace("*", "")}
    return {}


def title(policy: Policy, name: str) -> str:
    """Its title, or its name where the policy has it no more."""
    one = policy.clocks.get(name)
    return one.title if one else name


def line(policy: Policy, one: LegalClock, now: datetime, name: str = "") -> str:
    """`⚖️ *GDPR breach notification* (gdpr): aware 13:40, due *25 Nov 13:40 UTC*, 71 h left`. name: who notified."""
    head = f"⚖️ *{esc(title(policy, one.name))}* ({esc(one.name)})"
    if one.notified_at:
        late = " ⚠️ late" if one.notified_at > one.due_at else " in time"
        return f"✅{head[2:]}: notified by *{esc(name)}* {clock(one.notified_at, now)} UTC,{late}"
    since = f"aware {clock(one.aware_at, now)}"
    if one.due_at <= now:
        return f"{head}: {since}, ❗ *was due {clock(one.due_at, now)} UTC*, {lasted(now - one.due_at)} over"
    return f"{head}: {since}, due *{clock(one.due_at, now)} UTC*, *{lasted(one.due_at - now)} left*"


def whom(policy: Policy, name: str) -> str:
    """Who has to be notified, with the telephone and address where `notify` is a contact; "" where policy is silent."""
    said = policy.clocks[name].notify if name in policy.clocks else ""
    contact = policy.contacts.get(said)
    if contact is None:
        return esc(said)
    ways = [one for one in (contact.phone, contact.email, contact.url) if one]
    return esc(f"{contact.title} ({', '.join(ways)})" if ways else contact.title)
