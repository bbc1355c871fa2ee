"""Auditors: terminals that may verify and export for some days and nothing else, and what they were used for.

Belongs here: letting one in after two people decided, and the entry of each use. Does not belong here: who may decide
(playbooks/engine/decisions/auditor.py), pairing and tokens (credentials.py), stopping other verbs (bot/auditing.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from storage import credentials
from storage.credentials import AUDITOR, digest_of
from storage.db import Tx
from storage.incident_rows import Impossible
from storage.tables_guard import credentials as rows
from storage.timeline import ORG, Entry, append


def let_in(
    tx: Tx, person: str, pairing: str, days: int, *, asked_by: str, decision: str, by: Sequence[str], reason: str
) -> str:
    """Let the terminal that shows this code verify and export for so many days; returns its id.

    Raises Impossible when the code was used.
    """
    made = credentials.allow(tx, person, pairing, role=AUDITOR, life=timedelta(days=days))
    if made is None:
        raise Impossible("That code was used before; nothing was changed.", todo="`muster login` makes a new one.")
    body = {
        "person": person, "credential": made.id, "days": days, "decision": decision, "asked_by": asked_by,
        "by": sorted(by),
    }  # fmt: skip
    append(tx, ORG, Entry("auditor.granted", asked_by, body, {"reason": reason}))
    return made.id


def is_auditor(tx: Tx, token: str) -> bool:
    """Whether a token is or was an auditor's."""
    query = select(rows.c.role).where(rows.c.digest == digest_of(token))
    return tx.conn.execute(query).scalar() == AUDITOR


def used(tx: Tx, token: str, verb: str, line: str) -> None:
    """Write down that an auditor's terminal does something now. line: what was typed.

    Raises Impossible when its days are over or it was revoked.
    """
    mine = credentials.use(tx, token)
    if mine is None:
        raise Impossible("This auditor's access has ended.", todo="Two people can grant it anew: `/playbook auditor`.")
    body = {"person": mine.person, "credential": mine.id, "verb": verb}
    append(tx, ORG, Entry("auditor.used", mine.person, body, {"line": line}))
