"""Runs, steps, approvals and votes as rows: reading them, claiming a run, and its lease.

Belongs here: typed rows, claims and leases (database clock, fencing numbers). Does not belong here: status changes.
Those have one writer, `playbooks/engine/transition.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Table, or_, select, update

from storage.db import Tx
from storage.said import SaidWith
from storage.sql import find, later, skip_locked
from storage.tables import approvals, locks, runs, steps, votes


@dataclass(frozen=True)
class Run:
    """One execution of one playbook text. id: "INC-42/2" (second run of INC-42); requester: person id."""

    id: str
    stream: str
    number: int
    incident: str | None
    playbook: str
    title: str
    text: str
    digest: str
    inputs: dict[str, Any]
    kind: str
    service: str | None
    site: str | None
    active_site: str | None
    requester: str
    requester_account: str | None
    editors: list[str]
    ask: str | None
    shown: bool
    state: str
    reason: str | None
    stop_asked: str | None
    fence: int
    lease_owner: str | None
    lease_until: datetime | None
    ready_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    revision: int


@dataclass(frozen=True)
class Step:
    """One action call of a run. idx: position from 1; risk: `playbooks.action.Risk`; key: of the attempt.

    undone_by: the last run that was asked to take it back; accepted_by: the person who lets its change stay.
    """

    run: str
    idx: int
    id: str
    uses: str
    title: str
    phase: str | None
    grp: str | None
    lane: str | None
    risk: int
    on_failure: str
    state: str
    attempt: int
    tries: int
    key: str | None
    params: dict[str, Any] | None
    plan: dict[str, Any] | None
    outputs: dict[str, Any] | None
    question: dict[str, Any] | None
    answer: dict[str, Any] | None
    note: str | None
    error: str | None
    requesters: list[str]
    approval: str | None
    started_by: str | None
    started_at: datetime | None
    done_at: datetime | None
    ended_at: datetime | None
    deadline: datetime | None
    wake_at: datetime | None
    undone_by: str | None = None
    accepted_by: str | None = None


@dataclass(frozen=True)
class Approval:
    """One request for approval, bound to `digest`. rule: `ApprovalRule` snapshot; barred: person -> why.

    mode: quorum, contain or break-glass; overrides: with broken glass {"rules": [names], "who": [groups], "of": id}.
    """

    id: str
    run: str
    idx: int
    attempt: int
    digest: str
    covers: dict[str, Any]
    rule: dict[str, Any]
    plan: dict[str, Any]
    barred: dict[str, str]
    state: str
    opened_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    reason: str | None
    paged: list[str]
    mode: str = "quorum"
    overrides: dict[str, Any] | None = None


@dataclass(frozen=True)
class Vote(SaidWith):
    """One person's word on one approval. choice: approve, deny or revoke; proof: beyond the account (totp)."""

    approval: str
    person: str
    choice: str
    account: str
    via: str
    reason: str | None
    believed_at: datetime | None
    at: datetime
    proof: str | None = None


@dataclass(frozen=True)
class Lock:
    """A resource held by one destructive run from the request for approval to the end of the run."""

    resource: str
    run: str
    person: str
    since: datetime


_TABLES: dict[type[Any], Table] = {Run: runs, Step: steps, Approval: approvals, Vote: votes, Lock: locks}
_COLUMNS: dict[type[Any], tuple[str, ...]] = {kind: tuple(f.name for f in fields(kind)) for kind in _TABLES}


def _rows(tx: Tx, kind: type[Any], *, order: str = "", lock: bool = False, **where: Any) -> list[Any]:
    return [kind(*row) for row in find(tx, _TABLES[kind], _COLUMNS[kind], where, order=order, lock=lock)]


def _among(tx: Tx, kind: type[Any], column: str, values: Collection[str], order: str) -> list[Any]:
    table = _TABLES[kind]
    query = select(*[table.c[name] for name in _COLUMNS[kind]]).where(table.c[column].in_(values))
    return [kind(*row) for row in tx.conn.execute(query.order_by(table.c[order]))]


def undone_by(tx: Tx, run: str) -> str | None:
    """The run of which this run takes a step back, or None."""
    query = select(steps.c.run).where(steps.c.undone_by == run)
    found: str | None = tx.conn.execute(query).scalar()
    return found


def hand_over(tx: Tx, before: str, after: str, resources: Collection[str]) -> None:
    """Let a run hold what another one held of these resources, from now on."""
    mine = (locks.c.run == before, locks.c.resource.in_(resources))
    tx.conn.execute(update(locks).where(*mine).values(run=after, since=tx.now))


def get(tx: Tx, run: str, *, lock: bool = False) -> Run | None:
    """One run; with `lock` its row is held until the transaction ends (first in the lock order)."""
    found: list[Run] = _rows(tx, Run, id=run, lock=lock)
    return found[0] if found else None


def steps_of(tx: Tx, run: str) -> list[Step]:
    """The steps of a run in order."""
    return _rows(tx, Step, run=run, order="idx")


def of_incident(tx: Tx, incident: str) -> list[Run]:
    """All runs of an incident in order of their numbers."""
    return _rows(tx, Run, incident=incident, order="number")


def of_playbook(tx: Tx, playbook: str, *, limit: int = 100) -> list[Run]:
    """Its latest runs, newest first."""
    query = select(*[runs.c[f.name] for f in fields(Run)]).where(runs.c.playbook == playbook)
    rows = tx.conn.execute(query.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit))
    return [Run(*row) for row in rows]


def of_service(tx: Tx, service: str, *, since: datetime, limit: int = 30) -> list[Run]:
    """Its runs that people see, asked for since then, newest first."""
    query = select(*[runs.c[f.name] for f in fields(Run)]).where(runs.c.service == service, runs.c.shown.is_(True))
    query = query.where(runs.c.created_at >= since).order_by(runs.c.created_at.desc(), runs.c.id.desc())
    return [Run(*row) for row in tx.conn.execute(query.limit(limit))]


def approval(tx: Tx, id: str) -> Approval | None:
    """One approval by id."""
    found: list[Approval] = _rows(tx, Approval, id=id)
    return found[0] if found else None


def approvals_of(tx: Tx, run: str) -> list[Approval]:
    """All approvals ever asked for in a run, oldest first."""
    return _rows(tx, Approval, run=run, order="opened_at")


def waiting_approvals(tx: Tx) -> list[str]:
    """Ids of all approvals that wait for votes, in whatever run; those that expire first come first."""
    query = select(approvals.c.id).where(approvals.c.state == "open").order_by(approvals.c.expires_at, approvals.c.id)
    return list(tx.conn.execute(query).scalars())


def open_approval(tx: Tx, run: str) -> Approval | None:
    """The approval a run waits for now, open or granted, or None."""
    live = [one for one in approvals_of(tx, run) if one.state in ("open", "granted")]
    return live[-1] if live else None


def votes_on(tx: Tx, approval: str) -> list[Vote]:
    """Votes in the order they were cast."""
    return _rows(tx, Vote, approval=approval, order="at")


def locks_of(tx: Tx, run: str) -> list[Lock]:
    """Resources a run holds."""
    return _rows(tx, Lock, run=run, order="resource")


def holders(tx: Tx, resources: Iterable[str]) -> list[Lock]:
    """Who holds any of these resources."""
    return _among(tx, Lock, "resource", list(resources), "resource")


def locks_beside(tx: Tx, run: Run) -> list[Lock]:
    """What other runs of the same playbook or for the same service hold: this one may need it."""
    alike = (runs.c.playbook == run.playbook) & (runs.c.service.is_not_distinct_from(run.service))
    alike = alike | (runs.c.service == run.service) if run.service else alike
    columns = [locks.c[name] for name in _COLUMNS[Lock]]
    query = select(*columns).join(runs, runs.c.id == locks.c.run).where(alike, locks.c.run != run.id)
    return [Lock(*row) for row in tx.conn.execute(query.order_by(locks.c.resource))]


def claim(tx: Tx, owner: str, *, limit: int, lease_s: float, but: Collection[str] = ()) -> list[Run]:
    """Take runs that are ready: never leased, released, or whose holder's lease ran out. Raises each one's fence.

    but: runs this process is still busy with (their outcomes are known here, whatever became of the lease).
    """
    query = (
        select(runs.c.id)
        .where(runs.c.state.in_(("queued", "running", "waiting")), runs.c.ready_at <= tx.now)
        .where(or_(runs.c.lease_owner.is_(None), runs.c.lease_until < tx.now), runs.c.id.not_in(but))
        .order_by(runs.c.ready_at)
        .limit(limit)
    )
    ids = list(tx.conn.execute(skip_locked(query)).scalars())
    if not ids:
        return []
    before: list[Run] = _among(tx, Run, "id", ids, "ready_at")
    tx.conn.execute(
        update(runs)
        .where(runs.c.id.in_(ids))
        .values(lease_owner=owner, lease_until=later(tx, lease_s), fence=runs.c.fence + 1)
    )
    return before


def renew(tx: Tx, owner: str, driven: Collection[str], *, lease_s: float) -> set[str]:
    """Renew the leases of the runs this process drives, in one statement; returns the runs still held.

    By run, not by owner: what an earlier process of the same name held, a claim whose answer was lost, a run whose
    loop broke down must run out and be taken. A lease that ran out while nobody took the run is still this owner's.
    """
    if not driven:
        return set()
    mine = (runs.c.id.in_(driven), runs.c.lease_owner == owner)
    statement = update(runs).where(*mine).values(lease_until=later(tx, lease_s)).returning(runs.c.id)
    return set(tx.conn.execute(statement).scalars())


def give_back(tx: Tx, owner: str, *, but: Collection[str] = ()) -> int:
    """Release every lease of this owner (SIGTERM): another replica takes the runs at once.

    but: runs with an effect still in flight; their leases run out, as after a crash.
    """
    mine = (runs.c.lease_owner == owner, runs.c.id.not_in(but))
    count = tx.conn.execute(update(runs).where(*mine).values(lease_owner=None, lease_until=None)).rowcount
    tx.hint("runs")
    return count
