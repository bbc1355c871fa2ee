"""Every ask is answered once, in words, with its effect or without any."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from commands.incident.note import Note
from storage import inbox, incidents, people, replies, timeline, verify
from storage.inbox import Ask
from storage.tables import inbox as inbox_rows


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("incident", "`/incident declare sev1 checkout is down`"),
        ("playbook", "`/playbook run "),
        ("incident delcare sev1 x", "Did you mean `/incident declare`?"),
        ("declare sev1 x", "Did you mean `/incident declare`?"),
        ("incedent declare", "There are `/incident` and `/playbook`."),
        ("/incident\u00a0list", "Nothing is open"),
        ("INCIDENT LIST", "Nothing is open"),
    ],
)
async def test_what_was_asked_is_found_or_the_nearest_named(talk: Any, line: str, words: str) -> None:
    assert words in (await talk("Ana", line)).text


async def test_strangers_are_refused_and_remembered_on_the_org_stream(talk: Any) -> None:
    def guest(tx: Any) -> None:
        people.believe(tx, "slack", "T1/UGUS", state=people.GUEST, name="Gus")

    await talk.house.db.write(guest)
    reply = await talk("Gus", "incident declare sev1 x")
    assert not reply.ok and reply.text.startswith("Your account is a guest's.") and "Nothing was done" in reply.text
    event = (await talk.events(timeline.ORG, "access.refused"))[0]
    assert event.body["command"] == "incident declare" and event.text("account") == "T1/UGUS"
    assert not await talk.read(incidents.open_ones)
    other = await talk("x", "incident list", account="T9/UX")
    assert "another workspace" in other.text


async def test_permission_is_refused_naming_who_can(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Eve", "playbook run failover/rds-multi-az service=checkout")
    assert not reply.ok and "`/playbook run` is for `@sre`" in reply.text
    assert "Ask Ben or Chi." in reply.text
    assert (await talk.events(timeline.ORG, "access.refused"))[0].actor.startswith("P-")


async def test_old_presses_come_too_late(talk: Any) -> None:
    await talk.declare()
    ask = Ask(
        key="old", kind="button", line="playbook run failover/rds-multi-az", account_kind="slack", account="T1/UBEN",
        via="slack", channel="C42",
    )  # fmt: skip

    def store(tx: Any) -> Ask:
        inbox.store(tx, [ask])
        tx.conn.execute(update(inbox_rows).values(received_at=tx.now - timedelta(minutes=5)))
        found = inbox.get(tx, "old")
        assert found
        return found

    reply = await talk.dispatch.handle(await talk.house.db.write(store))
    assert not reply.ok and "Too late" in reply.text and "press again" in reply.text and "2 min" in reply.text


async def test_a_refusal_keeps_nothing_but_itself(talk: Any) -> None:
    await talk.declare()
    before = len(await talk.events("INC-1"))
    reply = await talk("Ana", "incident role commander bob", key="k1")
    assert not reply.ok and len(await talk.events("INC-1")) == before
    assert await talk.read(lambda tx: inbox.state(tx, "k1")) == "refused"
    assert [row["body"]["ok"] for row in await talk.read(lambda tx: replies.for_ask(tx, "k1"))] == [False]


async def test_our_own_faults_are_tried_again_and_then_said(talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await talk.declare()

    def broken(self: Note, call: Any, seen: None) -> None:
        incidents.note(call.tx, "INC-1", "half", by="P-X")
        raise RuntimeError("secret://token")

    monkeypatch.setattr(Note, "act", broken)
    assert await talk.ask("Ana", "incident note x", key="k1") is None
    assert await talk.read(lambda tx: inbox.state(tx, "k1")) == "received"
    found: Any = None
    for _ in range(2):
        (ask,) = await talk.house.db.write(lambda tx: inbox.claim(tx, "test"))
        found = await talk.dispatch.handle(replace(ask, attempts=ask.attempts + 1))
    assert found and not found.ok and "broke inside Muster (RuntimeError, tried 3 times)" in found.text
    assert "*Nothing of it was done*" in found.text and "`k1`" in found.text and "token" not in found.text
    assert await talk.read(lambda tx: inbox.state(tx, "k1")) == "dead"
    assert await talk.events("INC-1", "incident.note") == []


async def test_typed_markup_in_a_refusal_is_harmless(talk: Any) -> None:
    reply = await talk("Ana", "incident declare &lt;!channel&gt; x")
    assert "<!channel>" not in reply.text and "&lt;!channel&gt;" in reply.text


async def test_a_new_face_is_a_person_from_the_first_ask(talk: Any) -> None:
    reply = await talk("Flo", "incident declare sev3 printer is on fire")
    assert reply.ok and (await talk.events("INC-1"))[0].actor.startswith("P-")
    assert len(await talk.events(timeline.ORG, "person.seen")) == 5


async def test_many_at_once_get_numbers_without_gaps(talk: Any) -> None:
    asks = [
        Ask(
            key=f"k{n}", kind="command", line=f"incident declare sev2 problem {n} service=checkout", account_kind="slack",
            account=f"T1/UNEW{n}", via="slack",
        )
        for n in range(12)
    ]  # fmt: skip
    await talk.house.db.write(lambda tx: inbox.store(tx, asks))
    claimed = await talk.house.db.write(lambda tx: inbox.claim(tx, "test"))
    answers = await asyncio.gather(*(talk.dispatch.handle(ask) for ask in claimed))
    assert all(answer and answer.ok for answer in answers)
    found = await talk.read(incidents.open_ones)
    assert sorted(one.number for one in found) == list(range(1, 13))
    assert all(one.ok for one in await talk.read(verify.check_database))
