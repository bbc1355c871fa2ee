"""The policy as rows: which guarded sections rule (GUARDED), and which are proposed.

Belongs here: adopting the first, proposing what differs, activating what was approved, saying what is active. Does not
belong here: reading the file (playbooks/policy.py), who approves (playbooks/engine/decisions/policy.py).
States: active (one at most), proposed, superseded (was active once).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from storage.db import Tx
from storage.people import refreshed
from storage.tables import policies
from storage.timeline import ORG, Entry, append

GUARDED = ("approvals", "groups", "people", "permissions", "commands")
ACTIVE, PROPOSED, SUPERSEDED = "active", "proposed", "superseded"


@dataclass(frozen=True)
class PolicyRow:
    """One set of guarded sections. digest: `Policy.digest()`; sections: their JSON form, keys `approvals`, ..."""

    digest: str
    sections: dict[str, Any]
    state: str
    seen_at: datetime
    adopted_at: datetime | None


def adopt(tx: Tx, policy_sections: Mapping[str, Any], digest: str) -> str:
    """Say which file this process found; returns "active" or "proposed".

    The very first is adopted. A different one stays proposed, told once on the `org` stream, until it is approved under
    the active one; the active one is what counts. Raises ValueError when a guarded section is missing.
    """
    if missing := [name for name in GUARDED if name not in policy_sections]:
        raise ValueError(f"the policy's guarded sections lack {', '.join(missing)}")
    lock(tx)  # of two processes that start at once one is first
    ruling, known = active(tx), get(tx, digest)
    if known is not None:
        tx.conn.execute(update(policies).where(policies.c.digest == digest).values(seen_at=tx.now))
    if known is not None and known.state in (ACTIVE, PROPOSED):
        return known.state
    state = PROPOSED if ruling else ACTIVE
    _write(tx, {name: policy_sections[name] for name in GUARDED}, digest, state, new=known is None)
    body = {"digest": digest, "active": ruling.digest if ruling else digest}
    append(tx, ORG, Entry("policy.proposed" if ruling else "policy.adopted", "muster", body))
    return state


def renew(tx: Tx, ruling: PolicyRow, sections: Mapping[str, Any], digest: str) -> None:
    """Write down the ruling sections as this version reads them: it guards more, or knows more of them, than the one
    that wrote the row. They rule as before; what is guarded only now is adopted from this process's file, and told.

    What was proposed against the former row is no more; whose file it is proposes it again with its next start.
    """
    lock(tx)
    now = active(tx)
    if now is None or now.digest != ruling.digest:
        return  # another process was first
    tx.conn.execute(update(policies).where(policies.c.state.in_((ACTIVE, PROPOSED))).values(state=SUPERSEDED))
    _write(tx, {name: sections[name] for name in GUARDED}, digest, ACTIVE, new=get(tx, digest) is None)
    added = [name for name in GUARDED if name not in ruling.sections]
    append(tx, ORG, Entry("policy.renewed", "muster", {"digest": digest, "replaced": ruling.digest, "adopted": added}))
    tx.hint("policy")


def lock(tx: Tx) -> None:
    """Until the transaction ends nobody else adopts, proposes or activates."""
    refreshed(tx, "policy")


def activate(tx: Tx, digest: str, *, decision: str, by: Sequence[str]) -> None:
    """Let the proposed sections with this digest rule from now on, in every process. by: persons who approved it."""
    ruling = active(tx)
    tx.conn.execute(update(policies).where(policies.c.state == ACTIVE).values(state=SUPERSEDED))
    tx.conn.execute(update(policies).where(policies.c.digest == digest).values(state=ACTIVE, adopted_at=tx.now))
    body = {"digest": digest, "replaced": ruling.digest if ruling else None, "decision": decision, "by": list(by)}
    append(tx, ORG, Entry("policy.approved", "muster", body))
    tx.hint("policy")


def active(tx: Tx) -> PolicyRow | None:
    """The sections that rule now; None before the first start."""
    row = tx.conn.execute(select(policies).where(policies.c.state == ACTIVE)).mappings().first()
    return PolicyRow(**row) if row else None


def get(tx: Tx, digest: str) -> PolicyRow | None:
    """The sections with this digest, whatever their state."""
    row = tx.conn.execute(select(policies).where(policies.c.digest == digest)).mappings().first()
    return PolicyRow(**row) if row else None


def proposed(tx: Tx) -> list[PolicyRow]:
    """What was found in files and does not rule, the one seen last first."""
    query = select(policies).where(policies.c.state == PROPOSED).order_by(policies.c.seen_at.desc())
    return [PolicyRow(**row) for row in tx.conn.execute(query).mappings()]


def _write(tx: Tx, sections: Mapping[str, Any], digest: str, state: str, *, new: bool) -> None:
    values = {"sections": dict(sections), "state": state, "seen_at": tx.now}
    values["adopted_at"] = tx.now if state == ACTIVE else None
    if new:
        tx.conn.execute(insert(policies).values(digest=digest, **values))
    else:
        tx.conn.execute(update(policies).where(policies.c.digest == digest).values(**values))
