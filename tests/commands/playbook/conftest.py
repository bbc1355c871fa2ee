"""What the engine is told of votes."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.engine.voting import Said


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
