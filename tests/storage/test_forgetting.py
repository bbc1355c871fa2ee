"""Erasing a person: nothing says who the id was, except sealed escrow; what they approved keeps the id; chains verify."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from storage import escrow, forgetting, inbox, incidents, people, replies, timeline, verify
from storage.db import Database, Tx
from storage.forgetting import Who
from storage.inbox import Ask
from storage.incident_rows import Impossible
from storage.sealing import Seal, new_key
from storage.tables import accounts, memberships, metadata, policies, runs
from storage.tables import people as people_rows
from storage.timeline import Entry

SEAL = Seal(new_key())


def known(tx: Tx) -> str:
    """Ana Lind, in a group, with an ask, an answer, a word on her account and a superseded policy that names her."""
    found = people.believe(tx, "slack", "T1/U0ANALIND", state=people.MEMBER, name="Ana Lind", email="ana@x.example")
    assert found.person
    people.see(tx, "pagerduty", "PANA", state=people.LISTED, name="Ana", person=found.person)
    people.set_group(tx, "sre", {"slack": {found.person}})
    inbox.store(tx, [Ask("k1", "command", "incident role ic <@U0ANALIND>", "slack", "T1/U0ANALIND", "slack")])
    inbox.settle(tx, "k1", "done")
    body = {"text": "<@U0ANALIND> (ana@x.example) is commander", "ok": True}
    sent = replies.add(tx, ask="k1", account_kind="slack", account="T1/U0ANALIND", channel=None, body=body)
    replies.sent(tx, sent, "direct")
    sections = {"people": {"ana": {"slack": "U0ANALIND", "email": "ana@x.example"}}, "groups": {}, "approvals": {}}
    old = {"digest": "d", "sections": sections, "state": "superseded", "seen_at": tx.now}
    tx.conn.execute(insert(policies).values(old))
    return found.person


def _ask(tx: Tx, person: str) -> None:
    """A run she asked for: she stays answerable for it."""
    row: dict[str, Any] = {
        "id": "org/1", "stream": "org", "number": 1, "playbook": "x", "title": "t", "text": "", "digest": "d",
        "inputs": {"users": ["U0ANALIND", "U0BEN"]}, "kind": "real", "requester": person,
        "requester_account": "T1/U0ANALIND", "editors": [], "shown": True, "state": "succeeded", "fence": 1,
        "created_at": tx.now, "revision": 1,
    }  # fmt: skip
    tx.conn.execute(insert(runs).values(row))


def _erase(tx: Tx, person: str, seal: Seal | None = SEAL) -> Who:
    until = tx.now + timedelta(days=700)
    return forgetting.erase(
        tx, person, seal=seal, until=until, asked_by="P-ADM", decision="D-1", by=["P-ADM", "P-BEN"], reason="she left"
    )


def everything(tx: Tx) -> str:
    found = []
    for table in metadata.sorted_tables:
        for row in tx.conn.execute(select(table)).mappings():
            found += [str(value) for value in row.values()]
    return "\n".join(found)


async def test_nothing_says_who_it_was_but_the_sealed_escrow(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        _ask(tx, person)
        told = _erase(tx, person)
        assert told.name == "Ana Lind" and told.answerable
        left = everything(tx)
        for word in ("Ana Lind", "U0ANALIND", "ana@x.example", "PANA"):
            assert word not in left, word
        assert "U0BEN" in left and person in left
        assert people.name(tx, person) == person and people.members(tx, "sre") == []
        assert tx.conn.execute(select(accounts.c.id)).all() == [] and tx.conn.execute(select(memberships)).all() == []
        event = timeline.read(tx, "org", types=("person.erased",))[-1]
        assert event.body["person"] == person and event.body["escrow"] is True and event.text("reason") == "she left"
        assert all(verdict.ok for verdict in verify.check_database(tx))
        with pytest.raises(Impossible, match="erased already"):
            _erase(tx, person)

    await db.write(work)


async def test_escrow_opens_once_and_only_when_two_said_so(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        _ask(tx, person)
        _erase(tx, person)
        with pytest.raises(Impossible, match="closed"):
            escrow.read(tx, SEAL, person, reader="P-ADM")
        escrow.opened(tx, person, asked_by="P-ADM", decision="D-2", by=["P-ADM", "P-BEN"], reason="the regulator asks")
        with pytest.raises(Impossible, match="another key"):
            escrow.read(tx, Seal(new_key()), person, reader="P-ADM")
        who = escrow.read(tx, SEAL, person, reader="P-ADM")
        assert who["name"] == "Ana Lind" and ["slack", "T1/U0ANALIND"] in who["accounts"]
        with pytest.raises(Impossible, match="closed"):
            escrow.read(tx, SEAL, person, reader="P-ADM")
        kinds = [event.type for event in timeline.read(tx, "org") if event.type.startswith("escrow.")]
        assert kinds == ["escrow.opened", "escrow.read"]
        with pytest.raises(Impossible, match="Nothing is kept"):
            escrow.opened(tx, "P-NOBODY", asked_by="P-ADM", decision="D-3", by=[], reason="x")

    await db.write(work)


async def test_escrow_ends_with_retention(roles: Database) -> None:
    from storage import retention
    from storage.tables_guard import escrow as rows

    def work(tx: Tx) -> None:
        person = known(tx)
        _ask(tx, person)
        _erase(tx, person)
        tx.conn.execute(update(rows).values(until=tx.now - timedelta(days=1)))
        retention.become_pruner(tx)
        assert escrow.expire(tx) == [person] and escrow.get(tx, person) is None
        assert timeline.read(tx, "org")[-1].type == "escrow.expired"

    await roles.write(work)


async def test_without_a_key_nobody_answerable_is_erased(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        _ask(tx, person)
        with pytest.raises(Impossible, match="no key"):
            _erase(tx, person, seal=None)
        assert people.name(tx, person) == "Ana Lind"

    await db.write(work)


async def test_who_approved_nothing_leaves_nothing(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        assert not _erase(tx, person, seal=None).answerable
        assert escrow.get(tx, person) is None

    await db.write(work)


async def test_words_in_which_the_name_stands_are_found(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        stream = incidents.open_incident(tx, title="Ana Lind cannot log in", severity="sev3", by=person).id
        incidents.note(tx, stream, "asked <@U0ANALIND>", by=person)
        incidents.note(tx, stream, "nothing to see", by=person)
        assert [one for one in forgetting.mentions(tx, forgetting.look(tx, person)) if one[0] == stream] == [
            (stream, 1), (stream, 2),
        ]  # fmt: skip

    await db.write(work)


async def test_policies_that_name_the_person_are_told(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        assert forgetting.named_in_policy(tx, forgetting.look(tx, person)) == ["superseded"]
        tx.conn.execute(update(policies).values(state="active"))
        assert forgetting.named_in_policy(tx, forgetting.look(tx, person)) == ["active"]

    await db.write(work)


async def test_the_question_two_people_were_asked_goes_too(db: Database) -> None:
    def work(tx: Tx) -> None:
        person = known(tx)
        said = Entry("decision.opened", "P-ADM", {"decision": "D-1"}, {"body": f"Erase <@U0ANALIND> ({person})"})
        timeline.append(tx, "org", said)
        _erase(tx, person, seal=SEAL)
        assert "U0ANALIND" not in everything(tx)
        assert tx.conn.execute(select(people_rows.c.name)).scalars().all() == [None]

    await db.write(work)
