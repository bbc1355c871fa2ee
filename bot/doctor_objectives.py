"""The doctor's look at objectives: which RTO and RPO the policy promises and copies, sites and past runs cannot keep.

Belongs here: the rules, pure over the policy and what past runs took, and reading that. Does not belong here: asking a
database how far its replica is now (the approval card does, at the step), or whether a run kept its objectives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

from bot.finding import Finding, ok
from playbooks.durations import words
from playbooks.policy import Policy
from playbooks.policy_services import Backups, Service
from storage.db import Tx
from storage.tables import runs

WHAT = "Objectives"
LOGS_LAG = timedelta(minutes=5)  # RDS uploads its log every five minutes; later than that nothing can be restored
TIER_RTO = {0: timedelta(minutes=5), 1: timedelta(minutes=15), 2: timedelta(minutes=30), 3: timedelta(minutes=60)}
# Playbooks and folders of playbooks that recover a service. Of dr/ and service/ the others look, ask, check or record:
# how long they took says nothing of an outage.
RECOVERIES = ("failover/", "failback/", "restore/", "host/", "drill/", "dr/cold-site", "dr/clean-environment")
TWO_SITES = 1  # services up to this tier are expected to have somewhere else to go
Code = Literal["rpo", "room", "rto", "tier", "level", "copies", "site", "tables", "health", "owners", "rehearsal"]


@dataclass(frozen=True)
class Shortfall:
    """One objective of one service. unmet: it cannot be kept; else nothing says that it can. site: "" for all."""

    service: str
    code: Code
    text: str
    site: str = ""
    unmet: bool = False


@dataclass(frozen=True)
class Taken:
    """How long recoveries of one service by one playbook took, from being asked for to their end: the median."""

    playbook: str
    runs: int
    took: timedelta


@dataclass(frozen=True)
class History:
    """What the record knows of a service. rehearsed: end of the last recovery that succeeded as a drill."""

    taken: tuple[Taken, ...] = ()
    rehearsed: datetime | None = None


def shortfalls(policy: Policy, past: Mapping[str, History]) -> list[Shortfall]:
    """Everything that is not kept or not known to be, by recovery order, what cannot be met first. past: by service."""
    found = []
    for name, service in sorted(policy.services.items(), key=lambda one: (one[1].tier, one[0])):
        history = past.get(name, History())
        every = [
            *_data(policy, name, service), *_time(name, service, history), *_levels(policy, name, service),
            *_said(policy, name, service, history),
        ]  # fmt: skip
        found += sorted(every, key=lambda one: not one.unmet)
    return found


def past(tx: Tx) -> dict[str, History]:
    """What recoveries that succeeded took, by service. Waiting for approval counts: it is part of the outage."""
    wanted = runs.c.playbook, runs.c.service, runs.c.kind, runs.c.created_at, runs.c.ended_at
    query = runs.select().with_only_columns(*wanted).where(runs.c.state == "succeeded", runs.c.service.is_not(None))
    rows = [row for row in tx.conn.execute(query) if row.ended_at and row.playbook.startswith(RECOVERIES)]
    return {service: _history([row for row in rows if row.service == service]) for service in {r.service for r in rows}}


def _history(rows: Sequence[Any]) -> History:
    lengths: dict[str, list[float]] = {}
    for row in rows:
        took = (row.ended_at - row.created_at).total_seconds()
        lengths.setdefault(row.playbook, []).append(max(0.0, took))  # clocks may have stepped back
    taken = (Taken(name, len(many), timedelta(seconds=median(many))) for name, many in sorted(lengths.items()))
    return History(tuple(taken), max((row.ended_at for row in rows if row.kind == "drill"), default=None))


def _data(policy: Policy, name: str, service: Service) -> Iterator[Shortfall]:
    """RPO, at each site where the service could be."""
    home = service.site or ""
    if not _keeps(service):
        text = f"RPO {words(service.rpo)} cannot be judged: nothing says what it keeps, or how that is copied (backups)"
        yield Shortfall(name, "copies", text)
        return
    for site in _sites(policy, service):
        there = f" at {site}" if site else ""
        own = site == home or "backups" in service.resources[site].model_fields_set
        copies = service.at(site).backups
        if own:
            age, why = _age(copies)
        elif copies is not None and not (copies.bucket or copies.offsite_bucket):
            age, why = None, f"its copies lie at {home or 'its own site'} alone, and are lost with it"
        else:  # a log archived at home says nothing about what can be restored elsewhere
            age, why = _age(copies and copies.model_copy(update={"logs": False, "lag": None}))
        if age is None or age > service.rpo:
            yield Shortfall(name, "rpo", f"RPO {words(service.rpo)} cannot be met{there}: {why}", site, unmet=True)
        elif copies is not None and age == copies.every == service.rpo:
            text = f"RPO {words(service.rpo)} leaves no room{there}: a copy is made as seldom, and counts once finished"
            yield Shortfall(name, "room", text, site, unmet=True)


def _age(copies: Backups | None) -> tuple[timedelta | None, str]:
    """How old the newest data that could be brought back may be, and what that is; None where nothing is copied."""
    known: list[tuple[timedelta, str]] = []
    if copies is not None and copies.every is not None:
        known.append((copies.every, f"newest copy up to {words(copies.every)} old"))
    if copies is not None and copies.lag is not None:
        known.append((copies.lag, f"the replica may be {words(copies.lag)} behind"))
    if copies is not None and copies.logs:
        known.append((LOGS_LAG, f"the archived log ends up to {words(LOGS_LAG)} ago"))
    return min(known, default=(None, "nothing says how old its copies are (backups.every, lag or logs)"))


def _keeps(service: Service) -> bool:
    every = [service, *service.resources.values()]
    return any(one.database or one.backups or (one.host and one.host.volume) for one in every)


def _sites(policy: Policy, service: Service) -> list[str]:
    """Its own first, then the others that are no drill sites."""
    real = {name for name, site in policy.sites.items() if site.kind != "drill"}
    return [service.site or "", *(name for name in service.resources if name != service.site and name in real)]


def _time(name: str, service: Service, history: History) -> Iterator[Shortfall]:
    """RTO, against its tier's and against what recoveries took."""
    allowed = TIER_RTO[service.tier]
    if service.rto > allowed:
        text = f"tier {service.tier} recovers within {words(allowed)}, yet its RTO is {words(service.rto)}"
        yield Shortfall(name, "tier", text, unmet=True)
    for one in history.taken:
        if one.took > service.rto:
            many = f"median of {one.runs} runs" if one.runs > 1 else "one run"
            text = f"RTO {words(service.rto)} cannot be met by {one.playbook}: it took {words(one.took)} ({many})"
            yield Shortfall(name, "rto", text, unmet=True)


def _levels(policy: Policy, name: str, service: Service) -> Iterator[Shortfall]:
    """What a disaster level allows where it is recovered, against the service's own RTO and the copies at that site."""
    for level in policy.disaster_levels.values():
        if level.site is None or level.site not in service.resources:
            continue
        if level.rto > service.rto:
            text = f"RTO {words(service.rto)}, yet {level.name} is allowed {words(level.rto)} at {level.site}"
            yield Shortfall(name, "level", text, level.site, unmet=True)
        copies = service.at(level.site).backups
        age, why = _age(copies) if copies is not None else (None, "")
        if age is not None and age > level.rpo:
            text = f"RPO {words(level.rpo)} of {level.name} cannot be met at {level.site}: {why}"
            yield Shortfall(name, "level", text, level.site, unmet=True)


def _said(policy: Policy, name: str, service: Service, history: History) -> Iterator[Shortfall]:
    """What is missing to recover, or to know that it recovered."""
    sites = _sites(policy, service)
    if service.tier <= TWO_SITES and len(sites) < 2:
        yield Shortfall(name, "site", f"tier {service.tier}, and no other site to go to (resources)")
    if service.database is not None and not service.critical_tables:
        yield Shortfall(name, "tables", "no critical_tables: a restored database cannot be judged by its rows")
    blind = [site for site in sites if service.at(site).health_url is None]
    if blind:
        where = "" if len(sites) == 1 else f" at {', '.join(blind)}"
        yield Shortfall(name, "health", f"no health_url{where}: nothing says when it works again")
    if not service.owners:
        yield Shortfall(name, "owners", "no owners: nobody is asked about it")
    if history.rehearsed is None:
        text = f"never rehearsed: that RTO {words(service.rto)} can be met was not shown by a drill"
        yield Shortfall(name, "rehearsal", text)


def short(policy: Policy, found: Sequence[Shortfall]) -> Finding:
    """All of it in one line of `muster doctor`."""
    names = list(dict.fromkeys(one.service for one in found if one.unmet))
    if names:
        text = f"{len(names)} of {len(policy.services)} services cannot meet theirs: {', '.join(names)}"
        return Finding(WHAT, "warning", f"{text}. `muster doctor objectives` says why.")
    open_ = len({one.service for one in found})
    if open_:
        text = f"of {open_} services it is not known whether they can be met. `muster doctor objectives` says why."
        return Finding(WHAT, "missing", text)
    return ok(WHAT, f"of all {len(policy.services)} services can be met")


def report(found: Sequence[Shortfall], *, as_json: bool = False) -> str:
    """For a terminal: a line each, "checkout: RPO 5 min cannot be met at tertiary: …"; or a JSON list of them."""
    if as_json:
        return json.dumps([asdict(one) for one in found], indent=2)
    lines = [f"{'⚠️' if one.unmet else '○'} {one.service}: {one.text}" for one in found]
    if not found:
        return "All objectives can be met."
    unmet = sum(one.unmet for one in found)
    return "\n".join([*lines, "", f"{unmet} cannot be met, {len(found) - unmet} are not known to be."])
