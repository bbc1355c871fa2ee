"""What the engine is told of votes, and a decision of two people to speak about."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from playbooks.engine import deciding
from playbooks.engine.deciding import DecisionRule
from playbooks.engine.held import House
from playbooks.engine.voting import Said
from storage import people
from storage.db import Tx
from storage.decisions import Decision
from storage.tables import memberships


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the engine was told."""
    found: list[dict[str, Any]] = []

    def vote(tx: Any, engine: Any, **said: Any) -> Said:
        found.append(said)
        return Said("Your approval does not count.", ok=said["choice"] == "deny")

    def revoke(tx: Any, engine: Any, **said: Any) -> Said:
        found.append(said)
        return Said("Withdrawn.")

    monkeypatch.setattr("commands.playbook.approve.vote", vote)
    monkeypatch.setattr("commands.playbook.deny.vote", vote)
    monkeypatch.setattr("commands.playbook.revoke.revoke", revoke)
    return found


@deciding.handler("trial")
def trial(tx: Tx, house: House, decision: Decision, by: list[str]) -> str:
    """A decision that does nothing."""
    return "Tried."


async def trusted(talk: Any) -> None:
    """Whoever is in a group has been there long enough."""
    await talk.house.db.write(lambda tx: tx.conn.execute(update(memberships).values(confirmed=True)))


async def opened(talk: Any, *, by: str = "ANA", subject: str = "one", **rule: Any) -> Decision:
    """A decision Ana asked for, that two of sre must confirm."""

    def work(tx: Tx) -> Decision:
        tx.conn.execute(update(memberships).values(confirmed=True))
        known = people.account(tx, "slack", f"T1/U{by}")
        return deciding.propose(
            tx, talk.house.engine.house, kind="trial", subject=subject, body={"title": f"Try {subject}"}, stream="org",
            asked_by=known.person if known else None, rule=DecisionRule(**{"people": 2, "from_": ("sre",), **rule}),
        )  # fmt: skip

    made: Decision = await talk.house.db.write(work)
    return made
