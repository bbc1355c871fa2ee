"""A follow-up waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from commands import nudging
from storage import followups, tables, timers


async def _added(talk: Any, due: timedelta) -> tuple[str, str]:
    id: str = await talk.declare()
    ben: str = await talk.member("Ben", "sre")
    await talk.house.db.write(lambda tx: followups.add(tx, id, "alarm on lag", by=ben, owner=ben, due_at=tx.now + due))
    return id, ben


async def _next(talk: Any, id: str) -> Any:
    return next(one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "followup")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is working hours now, whenever this is tested."""
    monkeypatch.setattr("commands.timers.followup.working", lambda policy, at: at)


@pytest.mark.usefixtures("always")
async def test_reminded_when_due_and_each_day_after(talk: Any, fire: Any, sent: Any) -> None:
    id, _ = await _added(talk, timedelta(hours=-1))
    await sent()
    await fire(f"followup {id}/f1")
    (body,) = await sent()
    assert "alarm on lag" in body["text"] and "overdue" in body["text"]
    assert [one["label"] for one in body["buttons"]] == ["Done f1", "Snooze 4h"]
    (event,) = await talk.events(id, "clock.overdue")
    assert event.body["what"] == "followup f1"
    waits = await _next(talk, id)
    assert waits.payload == {"said": 2}
    await fire(f"followup {id}/f1", said=2)
    assert len(await sent()) == 1 and len(await talk.events(id, "clock.overdue")) == 1
    await talk("Ben", "incident followups done f1")
    await sent()
    await fire(f"followup {id}/f1", said=2)
    assert await sent() == []


@pytest.mark.usefixtures("always")
async def test_nothing_before_half_its_time_nor_in_drills(talk: Any, fire: Any, sent: Any) -> None:
    id, _ = await _added(talk, timedelta(days=4))
    await sent()
    await fire(f"followup {id}/f1")
    assert await sent() == []
    one = (await talk.read(lambda tx: followups.of_incident(tx, id)))[0]
    assert (await _next(talk, id)).due_at == one.added_at + (one.due_at - one.added_at) / 2
    await talk.house.db.write(lambda tx: tx.conn.execute(update(tables.incidents).values(kind="drill")))
    await fire(f"followup {id}/f1", again=True)
    assert await sent() == []


async def test_only_in_working_hours(talk: Any, fire: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    id, _ = await _added(talk, timedelta(hours=-1))
    await sent()
    monday = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr("commands.timers.followup.working", lambda policy, at: max(at, monday))
    await fire(f"followup {id}/f1")
    assert await sent() == [] and (await _next(talk, id)).due_at == monday


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-20T10:00", "2026-11-20T10:00"),
        ("2026-11-20T07:59", "2026-11-20T08:00"),
        ("2026-11-20T16:00", "2026-11-23T08:00"),
        ("2026-11-22T12:00", "2026-11-23T08:00"),
        ("2026-12-24T10:00", "2026-12-28T08:00"),
    ],
)
def test_working_hours_are_the_organisations(policy: Any, at: str, opens: str) -> None:
    calendar = policy.organisation.calendar.model_copy(
        update={"holidays": (datetime(2026, 12, 24).date(), datetime(2026, 12, 25).date())}
    )
    here = policy.organisation.model_copy(update={"time_zone": "Europe/Stockholm", "calendar": calendar})
    mine = policy.model_copy(update={"organisation": here})
    utc = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert nudging.working(mine, utc) == datetime.fromisoformat(opens).replace(tzinfo=UTC)
