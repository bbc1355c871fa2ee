"""/incident impact"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage import impact


async def test_what_is_left_out_stays(talk: Any) -> None:
    id = await talk.declare()
    declared = (await talk.incident(id)).declared_at
    start, end = declared - timedelta(minutes=20), declared - timedelta(minutes=5)
    line = f'users="12 % of <checkouts>" revenue="4,000 EUR a minute" from={start.isoformat()}'
    reply = await talk("Ana", f"incident impact {line}")
    assert "users *12 % of &lt;checkouts&gt;*" in reply.text and "since *" in reply.text
    reply = await talk("Ben", f"incident impact to={end.isoformat()} all shops work again")
    assert "(15 min)" in reply.text and "4,000 EUR" in reply.text and "all shops work again" in reply.text
    said = await talk.read(lambda tx: impact.of_incident(tx, id))
    assert (said.began_at, said.ended_at, said.text) == (start, end, "all shops work again")
    event = (await talk.events(id, "incident.impact"))[0]
    assert sorted(event.texts) == ["revenue", "users"] and "checkouts" not in str(event.body)


async def test_nothing_said_or_impossible_times_change_nothing(talk: Any) -> None:
    id = await talk.declare()
    declared = (await talk.incident(id)).declared_at
    assert "Say who is hit" in (await talk("Ana", "incident impact")).text
    late, early = declared + timedelta(hours=1), declared - timedelta(hours=1)
    assert "in the future" in (await talk("Ana", f"incident impact to={late.isoformat()}")).text
    wrong = await talk("Ana", f"incident impact from={declared.isoformat()} to={early.isoformat()}")
    assert "before it began" in wrong.text and not wrong.ok
    assert await talk.events(id, "incident.impact") == []
    assert (await talk("Ana", "incident impact", kind="form", values={"users": "all", "from_": "00:01"})).ok


async def test_what_goes_on_again_has_no_end_and_no_promised_one(talk: Any) -> None:
    id = await talk.declare()
    declared = (await talk.incident(id)).declared_at
    begin, end = declared - timedelta(minutes=20), declared - timedelta(minutes=5)
    await talk("Ana", f"incident impact users=all from={begin.isoformat()} to={end.isoformat()}")
    await talk("Ana", "incident eta 45m a restart")
    assert (await talk("Ana", "incident resolve restarted")).ok
    assert (await talk("Ana", "incident reopen it is back")).ok
    said = await talk.read(lambda tx: impact.of_incident(tx, id))
    assert (said.users, said.began_at, said.ended_at, said.eta) == ("all", begin, None, None)
