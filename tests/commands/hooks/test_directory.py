"""Slack's events about people make old beliefs looked at again."""

from __future__ import annotations

from typing import Any

import pytest

from storage import inbox


@pytest.mark.parametrize(
    ("event", "looked"),
    [("user_change", ["account"]), ("team_join", ["account"]), ("subteam_members_changed", ["groups"]), ("other", [])],
)
async def test_what_changed_is_looked_at(
    talk: Any, monkeypatch: pytest.MonkeyPatch, event: str, looked: list[str]
) -> None:
    seen: list[str] = []

    async def account(kind: str, account: str) -> None:
        seen.append("account")

    async def groups(policy: Any, names: Any) -> None:
        seen.append("groups")
        assert names == ["sre"]

    monkeypatch.setattr(talk.house.directory, "refresh_account", account)
    monkeypatch.setattr(talk.house.directory, "refresh_groups", groups)
    values = {"event_type": event, "subject": "UANA"}
    assert await talk.ask("Ana", "", kind="event", key="e1", values=values) is None
    assert seen == looked and await talk.read(lambda tx: inbox.state(tx, "e1")) == "done"
