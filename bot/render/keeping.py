"""What a board keeps in sight: who is hit, until when, which clocks run, what follows after the end.

Belongs here: these lines of the board. Does not belong here: the board itself (board.py), reading rows (facts.py).
Times are fixed, so a card need not tick: how much of a clock is left is said in steps, redrawn when one is passed.
"""

from __future__ import annotations

from dataclasses import replace

from bot.render.blocks import escape, person
from bot.render.facts import Around, IncidentFacts, rto_line, took
from storage.clocks import LegalClock
from storage.followups import FollowUp

MOST = 5
STEPS = ((1.0, "❗ *overdue*"), (0.8, "⚠️ less than a fifth left"), (0.5, "less than half left"))


def services(facts: IncidentFacts, around: Around) -> str:
    """The first service with its RTO, then the others that are hit."""
    first = rto_line(around, facts.incident)
    others = [rto_line(around, replace(facts.incident, service=name)) for name in facts.impact.others[:MOST]]
    return "; ".join([first, *others])


def lines(facts: IncidentFacts, around: Around) -> list[str]:
    """What there is to say; nothing where nobody said anything."""
    return [
        one
        for one in (_impact(facts, around), _eta(facts, around), *_clocks(facts, around), _after(facts, around))
        if one
    ]


def _impact(facts: IncidentFacts, around: Around) -> str:
    said = facts.impact
    if not said.known:
        return ""
    parts = [person(one, 150) for one in (said.users, said.revenue) if one]
    if said.began_at and said.ended_at:
        parts.append(
            f"{around.at(said.began_at)} to {around.at(said.ended_at)} ({took(said.ended_at - said.began_at)})"
        )
    elif said.began_at:
        parts.append(f"since {around.at(said.began_at)}")
    elif said.ended_at:
        parts.append(f"until {around.at(said.ended_at)}")
    return f"Impact: {' · '.join([*parts, *([person(said.text, 200)] if said.text else [])])}"


def _eta(facts: IncidentFacts, around: Around) -> str:
    at = facts.impact.eta
    if at is None or not facts.incident.open or facts.incident.restored_at:
        return ""
    return f"Expected to be over: *{around.at(at)}*{' ⚠️ passed' if at < around.now else ''}"


def _clocks(facts: IncidentFacts, around: Around) -> list[str]:
    return [_clock(one, around) for one in facts.clocks]


def _clock(one: LegalClock, around: Around) -> str:
    rule = around.policy.clocks.get(one.name)
    title = f"⚖️ *{escape(rule.title if rule else one.name)}*"
    if one.notified_at:
        late = " ⚠️ late" if one.notified_at > one.due_at else ""
        return f"{title}: notified by *{around.name(one.notified_by)}* {around.at(one.notified_at)}{late}"
    left = next((words for part, words in STEPS if one.gone(around.now) >= part), "more than half left")
    whom = f", notify {escape(rule.notify)}" if rule and rule.notify else ""
    return f"{title}: aware {around.at(one.aware_at)}, due *{around.at(one.due_at)} UTC* ({left}){whom}"


def _after(facts: IncidentFacts, around: Around) -> str:
    waits = [one for one in facts.followups if one.open]
    if not waits:
        return ""
    said = [f"{_named(one)} *{around.name(one.owner)}* by {around.at(one.due_at)}" for one in waits[:MOST]]
    more = f" and {len(waits) - MOST} more" if len(waits) > MOST else ""
    return f"After it: {' · '.join(said)}{more} (`/incident followups`)"


def _named(one: FollowUp) -> str:
    """f1, with its issue."""
    return f"{one.name} (<{one.ticket_url}|{one.ticket}>)" if one.ticket else one.name
