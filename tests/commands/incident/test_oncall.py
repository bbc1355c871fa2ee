"""/incident oncall"""

from __future__ import annotations

from typing import Any

from playbooks.directory import OnCallNow
from storage import people


async def test_it_is_asked_now_and_told_from_what_was_known_where_nobody_answers(talk: Any, monkeypatch: Any) -> None:
    asked: dict[str, OnCallNow] = {"Payments primary": OnCallNow(("1. Ben (primary)", "2. Chi"))}

    async def now(policies: list[str]) -> dict[str, OnCallNow]:
        assert policies == ["Payments primary"]
        return asked

    monkeypatch.setattr(talk.house.directory, "on_call_now", now)
    reply = await talk("Ana", "incident oncall")
    assert reply.text.splitlines()[0] == "*Payments primary* (checkout): 1. Ben (primary) · 2. Chi"
    assert "next layer" not in reply.text
    assert "+1-555-0199" in reply.text
    asked["Payments primary"] = OnCallNow(())
    assert "nobody is on call" in (await talk("Ana", "incident oncall checkout")).text
    assert "no escalation policy for *auth*" in (await talk("Ana", "incident oncall auth")).text
    asked["Payments primary"] = OnCallNow(why_not="There was no answer in time.")
    assert "Who it was last is not known" in (await talk("Ana", "incident oncall")).text

    def known(tx: Any) -> None:
        people.set_oncall(tx, "Payments primary", {talk.house.directory.person_by_slack(tx, "UBEN"): 1})

    await talk.house.db.write(known)
    told = await talk("Ana", "incident oncall")
    assert "1. Ben, as of" in told.text and "There was no answer in time" in told.text
    await talk.declare()
    due = "Nobody has acknowledged the page of *INC-1*: the next layer is called *"
    assert due in (await talk("Ana", "incident oncall")).text
    await talk("Ben", "incident ack")
    assert "next layer" not in (await talk("Ana", "incident oncall")).text
