"""Once a working day: how do the issues of follow-ups stand?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from storage import followups, runs, tables, timers


async def _ready(talk: Any, count: int = 2) -> str:
    """f1 has an issue, what follows has none; the policy wants them."""
    id: str = await talk.declare()
    sev1 = talk.house.policy.severities["sev1"]
    review = sev1.review.model_copy(update={"follow_up_ticket": "jira"})
    wants = {**talk.house.policy.severities, "sev1": sev1.model_copy(update={"review": review})}
    for number in range(1, count + 1):
        await talk("Ana", f"incident followups add thing {number}")
    url = "https://jira.example.com/browse/OPS-1"
    await talk.house.db.write(lambda tx: followups.ticketed(tx, id, "f1", ticket="OPS-1", url=url, run="INC-1/1"))
    talk.house.policy = talk.house.policy.model_copy(update={"severities": wants})
    return id


async def _started(talk: Any, id: str) -> list[tuple[str, dict[str, Any]]]:
    mine = await talk.read(lambda tx: runs.of_incident(tx, id))
    return [(one.playbook, one.inputs) for one in mine if one.playbook.startswith("followup/")]


async def _waits(talk: Any, id: str) -> Any:
    return next((one for one in await talk.read(lambda tx: timers.pending_of(tx, id)) if one.kind == "tickets"), None)


async def test_looks_makes_what_is_missing_and_ends(talk: Any, fire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await _ready(talk)
    monday = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr("commands.timers.tickets.working", lambda policy, at: max(at, monday))
    await fire(f"tickets {id}")
    assert await _started(talk, id) == [] and (await _waits(talk, id)).due_at == monday, "in working hours only"
    monkeypatch.setattr("commands.timers.tickets.working", lambda policy, at: at)
    await fire(f"tickets {id}")
    (make, inputs), (look, asked) = await _started(talk, id)
    assert (make, inputs["followup"], inputs["what"]) == ("followup/ticket", "f2", "thing 2")
    assert (look, asked) == ("followup/look", {"tickets": ["OPS-1"]})
    assert await _waits(talk, id) is not None
    await fire(f"tickets {id}")
    assert [name for name, _ in await _started(talk, id)].count("followup/ticket") == 1, "one is under way"
    for name in ("f1", "f2"):
        await talk("Ana", f"incident followups done {name}")
    before = len(await _started(talk, id))
    await talk.house.db.write(lambda tx: timers.cancel(tx, "tickets", id))
    await fire(f"tickets {id}")
    assert len(await _started(talk, id)) == before and await _waits(talk, id) is None, "all are done"


async def test_quiet_in_drills(talk: Any, fire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await _ready(talk, 1)
    monkeypatch.setattr("commands.timers.tickets.working", lambda policy, at: at)
    await talk.house.db.write(lambda tx: tx.conn.execute(update(tables.incidents).values(kind="drill")))
    await fire(f"tickets {id}")
    assert await _started(talk, id) == [] and await _waits(talk, id) is None
