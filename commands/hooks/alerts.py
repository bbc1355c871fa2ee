"""Alerts came in: those that belong together go onto one triage card, again and again, and a person decides.

What belongs together: alerts of one service of the policy, else of one group of their source, else (a storm) of one
source. What was told before is the same occurrence until its own time says otherwise, so repeats and late words change
nothing. Only where policy labels it does an alert open an incident by itself, so many an hour. A resolved alert changes
its card and is noted on the incident; it never resolves one. Belongs here: these decisions, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from commands.command import Call
from commands.house import House
from commands.incident.declare import Blind, Declare
from commands.triage import acknowledge_back
from commands.words import cut
from playbooks.directory import Person
from playbooks.errors import Refused
from playbooks.policy import Policy
from playbooks.policy_ways_in import OpensItself
from storage import incidents, triage
from storage.db import Tx, savepoint
from storage.inbox import Ask
from storage.triage import FIRING, RESOLVED, TAKEN, Alert, Triage

STORM_WITHIN = timedelta(minutes=10)
FORGOTTEN = timedelta(hours=1)  # a card whose alerts all ended that long ago is not looked at any more
AHEAD_MOST = timedelta(minutes=5)  # a source's clock may run so far ahead of the database's


@dataclass(frozen=True)
class Told:
    """One alert as it came in. service: of the policy, "" for none; severity: ours, "" for none."""

    alert: Alert
    service: str
    severity: str
    labels: Mapping[str, str]


def act(tx: Tx, house: House, ask: Ask) -> None:
    """One call of one source, whole or not at all."""
    triage.one_at_a_time(tx)
    source = str(ask.values.get("source") or ask.account)
    told = list(_read(house.policy, ask.values.get("alerts") or (), ask.received_at or tx.now, tx.now))
    before = triage.known(tx, source, [one.alert.fingerprint for one in told])
    groups: dict[str, list[Told]] = {}
    early: list[Alert] = []
    for one in told:
        card, state, at = before.get(one.alert.fingerprint, ("", "", None))
        if at is not None and _late(one.alert, state, at):
            continue
        if not card and one.alert.state == RESOLVED:
            early.append(one.alert)  # it ended before anybody heard of it: kept, so that its beginning is known as late
            continue
        known = (
            bool(card) and at is not None and (one.alert.at <= at or one.alert.state == RESOLVED)
        )  # the same occurrence
        place = card if known else f"new {_group(one, source, str(ask.values.get('group') or ''))}"
        groups.setdefault(place, []).append(one)
    triage.tell(tx, source, None, early)
    # What belongs to incidents first: their streams are locked before the `org` stream, which new cards write to.
    for place, some in sorted(groups.items(), key=lambda one: not _taken(tx, one[0])):
        _place(tx, house, ask, source, place, some)


def _taken(tx: Tx, place: str) -> bool:
    new, _, grp = place.partition(" ")
    card = _card_of(tx, grp) if new == "new" else triage.get(tx, place)
    return card is not None and card.state in TAKEN


def _read(policy: Policy, given: Sequence[Any], received: datetime, now: datetime) -> Iterator[Told]:
    seen: set[str] = set()
    for one in reversed([one for one in given if isinstance(one, Mapping)]):  # the last word of each counts
        name = str(one.get("fingerprint") or "")
        if not name or name in seen:
            continue
        seen.add(name)
        at = min(_time(one.get("at")) or received, now + AHEAD_MOST)
        labels = {str(k): str(v) for k, v in dict(one.get("labels") or {}).items()}
        said = str(one.get("severity") or "").lower()
        yield Told(
            Alert(name, str(one.get("title") or "an alert"), RESOLVED if one.get("state") == RESOLVED else FIRING, at,
                  str(one.get("url") or "") or None, str(one.get("page") or "") or None),
            _service(policy, str(one.get("service") or "")),
            policy.alerts.severities.get(said) or (said if said in policy.severities else ""), labels,
        )  # fmt: skip


def _service(policy: Policy, said: str) -> str:
    """A service of the policy by its own name, its title or its name in PagerDuty."""
    low = said.strip().lower()
    for name, one in policy.services.items() if low else ():
        if low in (name.lower(), one.title.lower(), (one.pagerduty.service or "").lower()):
            return name
    return ""


def _late(alert: Alert, state: str, at: datetime) -> bool:
    """Whether this was overtaken by what is known: an older occurrence, or the beginning of one that has ended."""
    return alert.at < at or (alert.at == at and state == RESOLVED and alert.state == FIRING)


def _group(one: Told, source: str, group: str) -> str:
    return f"service:{one.service}" if one.service else f"{source}:{group}"


def _place(tx: Tx, house: House, ask: Ask, source: str, place: str, some: list[Told]) -> None:
    """Onto the card they stand on, or that of their group; a new one where there is none."""
    new, _, grp = place.partition(" ")
    card = triage.get(tx, place, lock=True) if new != "new" else _card_of(tx, grp)
    if card is None and new == "new" and _storm(tx, house.policy, source):
        grp = f"storm:{source}"
        card = _card_of(tx, grp)
    firing = [one for one in some if one.alert.state == FIRING]
    was = triage.counted(tx, card.id).firing if card else 0
    fresh = card is None
    if card is None:
        if not firing:
            return
        worst = min(firing, key=lambda one: _rank(house.policy, one.severity))
        card = triage.raise_card(
            tx, source=source, grp=grp, first=worst.alert, alerts=len(some), service=worst.service or None,
            severity=worst.severity or None,
        )  # fmt: skip
    triage.tell(tx, source, card.id, [one.alert for one in some])
    _changed(tx, card, was, fresh)
    if more := int(ask.values.get("more") or 0):
        triage.change(tx, card, note=f"{more} more came in the same call and are not counted.")
    if firing and card.state not in TAKEN and new == "new":
        _by_itself(tx, house, ask, card, firing)


def _card_of(tx: Tx, grp: str) -> Triage | None:
    """The group's card, where it still takes alerts: nobody decided yet, or its incident is going on."""
    card = triage.live(tx, grp)
    if card is None or (card.state == "cleared" and tx.now - card.changed_at > FORGOTTEN):
        return None
    if card.state not in TAKEN:
        return card
    found = incidents.get(tx, card.incident or "")
    return card if found is not None and found.open else None


def _storm(tx: Tx, policy: Policy, source: str) -> bool:
    return triage.opened_since(tx, tx.now - STORM_WITHIN, source=source) >= policy.alerts.cards_most


def _rank(policy: Policy, severity: str) -> int:
    known = list(policy.severities)
    return known.index(severity) if severity in known else len(known)


def _changed(tx: Tx, card: Triage, was: int, fresh: bool) -> None:
    """What the new words mean for the card, and for the incident it belongs to."""
    now = triage.counted(tx, card.id).firing
    state = card.state
    if state in ("open", "cleared"):
        state = "open" if now else "cleared"
    triage.change(tx, card, state=state)
    if card.state in TAKEN and card.incident and not fresh and (was == 0) != (now == 0):
        found = incidents.get(tx, card.incident, lock=True)
        if found is None or not found.open:
            return
        if now:
            triage.fired_again(tx, card.incident, card, now)
        else:
            triage.ended(tx, card.incident, card)


def _by_itself(tx: Tx, house: House, ask: Ask, card: Triage, firing: list[Told]) -> None:
    """Open an incident where policy labels one of them, unless one is open for its service or it was too many."""
    alerts = house.policy.alerts
    found = next(((one, rule) for one in firing if (rule := alerts.opening(one.labels))), None)
    if found is None or card.by_itself:
        return
    one, rule = found
    service = one.service or card.service or ""
    same = [each for each in incidents.open_ones(tx) if service and each.service == service and not each.private]
    if same:
        triage.change(tx, card, note=f"It did not open an incident by itself: {same[0].id} is open for {service}.")
    elif triage.opened_since(tx, triage.an_hour_ago(tx), by_itself=True) >= alerts.most_per_hour:
        why = f"{alerts.most_per_hour} did within the hour (policy `alerts.most_per_hour`)"
        triage.change(tx, card, note=f"It did not open an incident by itself: {why}.")
    else:
        _declare(tx, house, ask, card, one, service, rule)


def _declare(tx: Tx, house: House, ask: Ask, card: Triage, one: Told, service: str, rule: OpensItself) -> None:
    muster = Person("muster", "alerts", "muster", "Muster")
    call = Call(ask, muster, tx, house)
    asked = Declare(severity=rule.severity, title=cut(one.alert.title, 150), service=service)
    try:
        with savepoint(tx):
            found, _ = asked.open(call, Blind())
            triage.take(tx, card.id, found.id, by="muster", by_itself=True)
            call.incident = found
            acknowledge_back(call, card)
    except Refused as error:
        triage.change(tx, card, note=f"It could not open an incident by itself: {cut(error.message, 200)}")


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
