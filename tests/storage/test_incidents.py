"""Incidents as rows and entries: every change writes its event, illegal ones write nothing, the chain stays whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest

from storage import cards, incidents, timeline, timers, verify
from storage.db import Database, Tx
from storage.incidents import Impossible


def declare(tx: Tx, title: str = "checkout is down", **more: Any) -> incidents.Incident:
    return incidents.open_incident(tx, title=title, severity="sev1", by="p-ana", **more)


def types(tx: Tx, stream: str) -> list[str]:
    return [event.type for event in timeline.read(tx, stream)]


async def test_numbers_have_no_gaps_and_the_org_stream_remembers_the_first_event(db: Database) -> None:
    def fails(tx: Tx) -> None:
        declare(tx)
        raise LookupError

    first = await db.write(declare)
    with pytest.raises(LookupError):
        await db.write(fails)
    second = await db.write(declare)
    assert (first.id, second.id) == ("INC-1", "INC-2")

    def look(tx: Tx) -> None:
        org = timeline.read(tx, timeline.ORG)
        assert [(e.type, e.body["stream"]) for e in org] == [("stream.opened", "INC-1"), ("stream.opened", "INC-2")]
        opened = timeline.read(tx, "INC-1")[0]
        assert opened.hash == org[0].body["hash"]
        assert opened.text("title") == "checkout is down" and "checkout" not in str(opened.body)
        assert all(verdict.ok for verdict in verify.check_database(tx))

    await db.read(look)


async def test_a_private_one_is_never_announced(db: Database) -> None:
    def work(tx: Tx) -> None:
        secret = declare(tx, private=True, type="security")
        incidents.set_severity(tx, secret.id, "sev2", by="p-ana", reason="smaller")
        assert cards.get(tx, "board", secret.id)
        assert cards.get(tx, "announcement", secret.id) is None
        assert cards.get(tx, "announcement", declare(tx).id)

    await db.write(work)


async def test_resolve_ends_it_anchors_it_and_stops_its_clocks(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        incidents.set_update_due(tx, one.id, tx.now + timedelta(minutes=30))
        done = incidents.resolve(tx, one.id, by="p-ben", resolution="writer failed over")
        head = incidents.anchor(tx, one.id)
        assert done.status == "resolved" and done.resolved_at and done.update_due_at is None and not done.open
        assert (head.seq, types(tx, one.id)) == (2, ["incident.declared", "incident.resolved"])
        org = timeline.read(tx, timeline.ORG)[-1]
        assert org.type == "stream.anchored" and org.body == {"stream": "INC-1", "seq": 2, "hash": head.hash}
        assert timers.take_due(tx) == []

    await db.write(work)


@pytest.mark.parametrize("change", ["resolve", "cancel", "severity", "role", "update"])
async def test_what_ended_stays_ended_and_says_so(db: Database, change: str) -> None:
    def end(tx: Tx) -> None:
        incidents.resolve(tx, declare(tx).id, by="p-ben", resolution="done")

    def again(tx: Tx) -> None:
        changes: dict[str, Callable[[], object]] = {
            "resolve": lambda: incidents.resolve(tx, "INC-1", by="p-ben", resolution="x"),
            "cancel": lambda: incidents.cancel(tx, "INC-1", by="p-ben", reason="x"),
            "severity": lambda: incidents.set_severity(tx, "INC-1", "sev2", by="p-ben"),
            "role": lambda: incidents.set_role(tx, "INC-1", "commander", "p-ben", by="p-ben"),
            "update": lambda: incidents.add_update(tx, "INC-1", "x", by="p-ben", status="monitoring"),
        }
        changes[change]()

    await db.write(end)
    with pytest.raises(Impossible, match="was resolved"):
        await db.write(again)
    assert await db.read(lambda tx: types(tx, "INC-1")) == ["incident.declared", "incident.resolved"]


async def test_first_acknowledger_commands_until_somebody_takes_over(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        early = one.declared_at - timedelta(minutes=5)  # the pager's clock runs behind ours
        assert incidents.acknowledge(tx, one.id, person="p-ben", source="pagerduty", at=early, ref="Q2X7")
        assert not incidents.acknowledge(tx, one.id, person="p-chi", source="pagerduty")
        found = incidents.get(tx, one.id)
        assert found and found.acknowledged_at == one.declared_at and found.acknowledged_by == "p-ben"
        held = incidents.roles_of(tx, one.id)
        assert [(h.role, h.person, h.interim) for h in held] == [("commander", "p-ben", True)]
        before = incidents.set_role(tx, one.id, "commander", "p-ben", by="p-ben")
        assert before and before.interim and not incidents.roles_of(tx, one.id)[0].interim
        with pytest.raises(Impossible, match="already"):
            incidents.set_role(tx, one.id, "commander", "p-ben", by="p-ben")
        event = timeline.read(tx, one.id, types=("incident.acknowledged",))[0]
        assert event.source_at == early and event.body["first"] is True

    await db.write(work)


async def test_a_stranger_acknowledges_without_becoming_commander(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        assert incidents.acknowledge(tx, one.id, person=None, source="pagerduty")
        assert incidents.roles_of(tx, one.id) == []

    await db.write(work)


async def test_times_stand_in_order_and_keep_who_claimed_them(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        start = one.declared_at - timedelta(minutes=3)
        incidents.set_time(tx, one.id, "detected", start, by="p-ben")
        with pytest.raises(Impossible, match="future"):
            incidents.set_time(tx, one.id, "restored", tx.now + timedelta(minutes=5), by="p-ben")
        with pytest.raises(Impossible, match="before that"):
            incidents.set_time(tx, one.id, "restored", start - timedelta(minutes=1), by="p-ben")
        incidents.set_time(tx, one.id, "restored", one.declared_at, by="p-ben")
        found = incidents.get(tx, one.id)
        assert found and found.status == "mitigated" and found.restored_at == one.declared_at
        event = timeline.read(tx, one.id, types=("incident.time",))[0]
        assert event.source_at == start.astimezone(UTC) and event.claimed_by == "p-ben"

    await db.write(work)


async def test_nothing_is_detected_after_it_was_declared(db: Database) -> None:
    await db.write(declare)
    await asyncio.sleep(0.005)
    with pytest.raises(Impossible, match="after that"):
        await db.write(lambda tx: incidents.set_time(tx, "INC-1", "detected", tx.now, by="p-ben"))


async def test_restored_before_declared_needs_a_detection_first(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        incidents.set_time(tx, one.id, "restored", one.declared_at - timedelta(minutes=1), by="p-ben")

    with pytest.raises(Impossible, match="incident detected"):
        await db.write(work)


async def test_notes_keep_the_words_beside_the_chain_also_after_the_end(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        incidents.cancel(tx, one.id, by="p-ana", reason="a test")
        seq = incidents.note(tx, one.id, "отказ 🔥", by="p-ana", at=tx.now - timedelta(minutes=1))
        event = timeline.read(tx, one.id)[seq - 1]
        assert (event.type, event.body, event.text(), event.claimed_by) == ("incident.note", {}, "отказ 🔥", "p-ana")
        with pytest.raises(Impossible, match="future"):
            incidents.note(tx, one.id, "x", by="p-ana", at=tx.now + timedelta(minutes=1))

    await db.write(work)


async def test_updates_move_the_status_and_the_next_due_time(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        due = tx.now + timedelta(minutes=30)
        incidents.add_update(tx, one.id, "we are watching", by="p-dov", status="monitoring", due_at=due, draft="k1")
        found = incidents.get(tx, one.id)
        assert found and (found.status, found.latest_update, found.update_due_at) == (
            "monitoring",
            "we are watching",
            due,
        )
        assert timeline.read(tx, one.id)[-1].body == {
            "status": "monitoring",
            "draft": "k1",
            "next_due": due.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }

    await db.write(work)


async def test_facts_join_find_the_channel_and_wake_its_cards(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        board = cards.get(tx, "board", one.id)
        assert board
        cards.held(tx, board, "no channel yet", in_s=600)
        assert "board" not in [card.kind for card in cards.due(tx)]
        incidents.set_facts(tx, one.id, {"channel": "C42"})
        incidents.set_facts(tx, one.id, {"page_key": "muster-INC-1"})
        assert "board" in [card.kind for card in cards.due(tx)]
        found = incidents.by_channel(tx, "C42")
        assert found and found.facts == {"channel": "C42", "page_key": "muster-INC-1"} and found.channel == "C42"
        assert incidents.by_channel(tx, "C43") is None
        by_key = incidents.by_fact(tx, ("page_key",), ("muster-INC-1", ""))
        assert by_key and by_key.id == one.id
        assert types(tx, one.id) == ["incident.declared"]

    await db.write(work)


async def test_a_first_delivery_is_told_once(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        assert incidents.told(tx, one.id, "board", one.id, "C1", "1700000000.000100")
        assert not incidents.told(tx, one.id, "board", one.id, "C1", "1700000000.000100")
        assert types(tx, one.id).count("card.told") == 1

    await db.write(work)


async def test_every_change_raises_the_revision(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        incidents.set_severity(tx, one.id, "sev2", by="p-ana", reason="only one shop")
        incidents.set_status(tx, one.id, "identified", by="p-ana")
        incidents.set_status(tx, one.id, "identified", by="p-ana")
        found = incidents.get(tx, one.id)
        assert found and found.revision == 3
        assert [i.id for i in incidents.open_ones(tx)] == [one.id] == [i.id for i in incidents.latest(tx, limit=5)]
        assert incidents.latest(tx, limit=5, before=1) == []

    await db.write(work)


async def test_decisions_overdue_clocks_and_alerts(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        incidents.decided(tx, one.id)
        incidents.decided(tx, one.id)
        incidents.overdue(tx, one.id, "update", tx.now)
        incidents.alert(tx, one.id, "resolved", source="pagerduty", at=tx.now, ref="Q2X7")
        found = incidents.get(tx, one.id)
        assert found and found.decided_at and found.revision == 2 and found.status == "investigating"
        assert types(tx, one.id) == ["incident.declared", "clock.overdue", "alert.resolved"]

    await db.write(work)


async def test_roles_can_be_dropped(db: Database) -> None:
    def work(tx: Tx) -> None:
        one = declare(tx)
        incidents.set_role(tx, one.id, "comms", "p-dov", by="p-ana")
        assert incidents.drop_role(tx, one.id, "comms", by="p-ana").person == "p-dov"
        with pytest.raises(Impossible, match="Nobody"):
            incidents.drop_role(tx, one.id, "comms", by="p-ana")

    await db.write(work)
