"""/playbook run"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from storage import cards, runs
from storage.tables import locks


async def test_it_belongs_to_the_channels_incident_and_waits(talk: Any) -> None:
    await talk.declare()
    reply = await talk("Ben", "playbook run failover/rds-multi-az service=auth")
    assert reply.data == {"run": "INC-1/2"} and "wait for approval" in reply.text
    run = await talk.read(lambda tx: runs.get(tx, "INC-1/2"))
    assert (run.incident, run.service, run.shown) == ("INC-1", "auth", True)
    assert run.requester == await talk.member("Ben", "sre")
    assert await talk.read(lambda tx: cards.get(tx, "run", "INC-1/2"))


async def test_the_incidents_service_is_the_default(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")
    assert (await talk.read(lambda tx: runs.get(tx, "INC-1/2"))).inputs == {"service": "checkout"}


async def test_outside_an_incident_it_belongs_to_the_organisation(talk: Any) -> None:
    reply = await talk("Ben", "playbook run failover/rds-multi-az service=checkout", channel="CTOWN")
    assert reply.data == {"run": "org/1"}


async def test_what_is_wrong_is_named(talk: Any) -> None:
    reply = await talk("Ben", "playbook run failover/rds-mutli-az", channel="CTOWN")
    assert "No playbook *failover/rds-mutli-az*. Did you mean *failover/rds-multi-az*?" in reply.text
    reply = await talk("Ben", "playbook run failover/rds-multi-az", channel="CTOWN")
    assert "It needs *service* (one of: checkout, auth)" in reply.text
    assert "Try `/playbook run failover/rds-multi-az service=checkout`" in reply.text


async def test_an_ended_incident_runs_nothing_new(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "incident resolve")
    assert "nothing new runs in it" in (await talk("Ben", "playbook run failover/rds-multi-az")).text


async def test_who_asks_second_is_told_at_once_who_holds_what(talk: Any) -> None:
    await talk.declare()
    await talk("Ben", "playbook run failover/rds-multi-az")

    def hold(tx: Any) -> None:
        person = runs.get(tx, "INC-1/2").requester
        tx.conn.execute(insert(locks).values(resource="rds:orders-db", run="INC-1/2", person=person, since=tx.now))

    await talk.house.db.write(hold)
    reply = await talk("Chi", "playbook run failover/rds-multi-az")
    assert reply.ok and "rds:orders-db is held by run *INC-1/2* (asked by Ben) since" in reply.text
    assert "`/playbook abort INC-1/2`" in reply.text
    other = await talk("Chi", "playbook run failover/rds-multi-az service=auth")
    assert "is held by" not in other.text
