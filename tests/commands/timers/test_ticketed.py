"""What a run found out stands beside the follow-ups; the conversation shows it whole (conversations/test_follow_ups)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from storage import followups, runs, tables, timers


async def _run(talk: Any, id: str, outputs: dict[str, list[str]] | None) -> str:
    """A look that has ended, with what it saw; None: it saw nothing."""
    run: str = (await talk.read(lambda tx: runs.of_incident(tx, id)))[-1].id
    state = {"state": "succeeded", "outputs": outputs} if outputs else {"state": "failed"}

    def ended(tx: Any) -> None:
        tx.conn.execute(update(tables.runs).where(tables.runs.c.id == run).values(state="incomplete"))
        tx.conn.execute(update(tables.steps).where(tables.steps.c.run == run).values(**state))

    await talk.house.db.write(ended)
    return run


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is working hours now, whenever this is tested."""
    monkeypatch.setattr("commands.timers.tickets.working", lambda policy, at: at)


@pytest.mark.usefixtures("always")
async def test_done_gone_or_unknown(talk: Any, fire: Any, sent: Any) -> None:
    id = await talk.declare()
    for number in (1, 2, 3):
        await talk("Ana", f"incident followups add thing {number}")
        given = {"ticket": f"OPS-{number}", "url": "https://j.example.com", "run": "INC-1/1"}
        await talk.house.db.write(lambda tx, n=number, g=given: followups.ticketed(tx, id, f"f{n}", **g))
    await sent()
    await fire(f"tickets {id}")
    run = (await talk.read(lambda tx: runs.of_incident(tx, id)))[-1].id
    await fire(f"ticketed {run}")
    waits = [one for one in await talk.read(lambda tx: timers.pending_of(tx, run)) if one.kind == "ticketed"]
    assert len(waits) == 1, "it goes on, so it is looked at again"
    await _run(talk, id, None)
    await fire(f"ticketed {run}")
    assert await talk.events(id, "followup.done") == [], "a look that failed says nothing"
    await _run(talk, id, {"done": ["OPS-1"], "open": ["OPS-3"], "gone": ["OPS-2"]})
    for _ in range(2):
        await fire(f"ticketed {run}")
    one, two, three = await talk.read(lambda tx: followups.of_incident(tx, id))
    assert (one.open, one.done_by, two.open, two.lost, three.open, three.lost) == (
        False, "muster", True, True, True, False,
    )  # fmt: skip
    (body,) = await sent()
    assert "does not show OPS-2 any more" in body["text"] and len(await talk.events(id, "followup.done")) == 1
    assert "OPS-3 in Jira stays as it is" in (await talk("Ana", "incident followups done f3")).text
