"""What nobody waits for and breaks Muster three times: administrators hear of it once a day, and a timer goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from commands.giving_up import TIMER_AGAIN, waits
from playbooks.policy import parse_policy
from storage import inbox, timers
from storage.inbox import Ask
from storage.tables import replies
from storage.tables import timers as rows
from tests.commands.conftest import POLICY

ADMINS = POLICY.replace("see_private: sre }", "see_private: sre, administer: sre }")


@pytest.fixture
def office(talk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ben and Chi administer; every timer and webhook breaks."""
    talk.house.policy = talk.house.engine.house.policy = parse_policy(ADMINS)

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("words of somebody")

    monkeypatch.setattr("commands.hooks.pagerduty.act", broken)
    monkeypatch.setitem(__import__("commands.timing", fromlist=["TIMERS"]).TIMERS, "settle", broken)
    return talk


async def dies(office: Any, ask: Ask) -> None:
    """Handled three times, as the worker does."""
    await office.house.db.write(lambda tx: inbox.store(tx, [ask]))
    for attempt in (1, 2, 3):
        assert await office.read(lambda tx: inbox.state(tx, ask.key)) == "received"
        await office.house.db.write(lambda tx: inbox.claim(tx, "w"))
        await office.dispatch.handle(replace(ask, attempts=attempt))
    assert await office.read(lambda tx: inbox.state(tx, ask.key)) == "dead"


async def told(office: Any) -> list[tuple[str, str]]:
    """(account, text) of every answer."""
    found = await office.read(lambda tx: tx.conn.execute(select(replies.c.account, replies.c.body)).all())
    return sorted((row.account, row.body["text"]) for row in found)


async def test_a_timer_goes_on_and_administrators_are_told_once_a_day(office: Any) -> None:
    values = {"timer": "settle", "subject": "INC-1/1", "due_at": "2026-01-01T00:00:00Z", "asked": "k"}
    for key in ("t1", "t2"):
        await dies(office, Ask(key, "timer", "timer settle INC-1/1", "muster", "clock", "clock", values))
    (ben, text), (chi, _) = await told(office)
    assert (ben, chi) == ("T1/UBEN", "T1/UCHI")
    for words in (
        "`settle INC-1/1`",
        "ZeroDivisionError, tried 3 times",
        "*Nothing of it was done*",
        "again in 15 min",
        "`t1`",
    ):
        assert words in text, text
    assert "words of somebody" not in text
    row = await office.read(lambda tx: tx.conn.execute(select(rows).where(rows.c.kind == "settle")).mappings().one())
    now = await office.read(lambda tx: tx.now)
    assert row["state"] == "pending" and row["payload"] == {"asked": "k"}
    assert TIMER_AGAIN - timedelta(minutes=1) < row["due_at"] - now <= TIMER_AGAIN


async def test_one_that_was_set_anew_meanwhile_keeps_its_time(office: Any) -> None:
    due = await office.read(lambda tx: tx.now) + timedelta(days=1)
    await office.house.db.write(lambda tx: timers.set(tx, "settle", "INC-1/1", due))
    await dies(office, Ask("t3", "timer", "timer settle INC-1/1", "muster", "clock", "clock", {"timer": "settle"}))
    assert await office.read(lambda tx: tx.conn.execute(select(rows.c.due_at)).scalar_one()) == due


async def test_a_webhook_is_told_with_where_to_look(office: Any) -> None:
    await dies(office, Ask("h1", "webhook", "pagerduty", "pagerduty", "PAGER", "webhook", {"event": {}}))
    texts = [text for _, text in await told(office)]
    assert len(texts) == 2 and "What PagerDuty said" in texts[0] and "`/incident note`" in texts[0]


def test_a_person_waits_for_what_they_typed_and_for_nothing_else() -> None:
    typed = Ask("k", "command", "incident list", "slack", "T1/UBEN", "slack")
    assert waits(typed) and waits(replace(typed, kind="event")) and waits(replace(typed, line=""))
    assert not waits(replace(typed, kind="event", line="")) and not waits(replace(typed, account_kind="muster"))
