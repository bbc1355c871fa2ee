"""The database is away and somebody declares: people are woken and told all the same, once, and it is on the record later.

What is typed and clicked goes over the wire; the database really does not answer: PostgreSQL takes no connections, the
SQLite file is held by another writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from storage import incidents, runs, timeline
from storage.journal import Journal
from tests.conversations.conftest import Town

pytestmark = pytest.mark.timeout(90)
SEV1 = "/incident declare sev1 checkout is down service=checkout"


@contextlib.asynccontextmanager
async def outage(url: str) -> AsyncIterator[None]:
    """The database does not answer inside this block."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        held = sqlite3.connect(str(parsed.database), isolation_level=None, timeout=60)
        held.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            held.execute("ROLLBACK")
            held.close()
        return
    server = parsed.set(database="postgres").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as conn:
        await conn.execute(f"ALTER DATABASE {parsed.database} ALLOW_CONNECTIONS false")
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [parsed.database]
        )
        try:
            yield
        finally:
            await conn.execute(f"ALTER DATABASE {parsed.database} ALLOW_CONNECTIONS true")


async def settled(town: Town, types: set[str], replica: str = "one", within: float = 20.0) -> list[str]:
    """Wait until the journal holds lines of all these types; every type in it, in order."""
    journal = Journal(town.folder / f"{replica}.jsonl", "test", "test")

    async def look() -> list[str] | None:
        found = [line.type for one in journal.declares() for line in one.lines]
        return found if types <= set(found) else None

    found: list[str] = await town.sb.wait_until(look, timeout=within)
    return found


async def pages(town: Town, wanted: int = 1) -> list[dict[str, Any]]:
    """PagerDuty's incidents once there are so many: an accepted event is not yet one (contract C1)."""

    async def look() -> list[dict[str, Any]] | None:
        found = list((await town.sb.pagerduty())["incidents"])
        return found if len(found) >= wanted else None

    found: list[dict[str, Any]] = await town.sb.wait_until(look)
    return found


async def test_a_declare_without_the_database_pages_tells_and_becomes_one_incident(town: Town) -> None:
    await town.muster()
    await town.says("U0ANA", "#general", "/incident list", "open")  # Ana is known
    async with outage(town.url):
        ack = await town.sb.type("U0ANA", "#general", SEV1)
        assert ack.acked and ack.latency_ms is not None and ack.latency_ms < 3000
        assert "declaring blind" in ack.body["text"] and "+1-555-0199" in ack.body["text"]
        announced = await town.sb.wait_for("incidents", "no number and no channel yet")
        assert "sev1 · checkout is down" in announced.plain and "+1-555-0199" in announced.plain
        done = await town.sb.wait_for("general", "PagerDuty took the page", as_user="U0ANA")
        assert "Told" in done.plain
        (page,) = await pages(town)
        assert page["status"] == "triggered" and page["incident_key"].startswith("muster/blind/")
        # Everything else is answered, and nothing destructive starts.
        ack = await town.sb.type("U0ANA", "#general", "/playbook run failover/rds-multi-az service=checkout")
        said = ack.body["text"]
        assert "nothing has happened" in said and "No step is started" in said and "console.aws.amazon.com" in said
        lines = await settled(town, {"page.done", "tell.done"})
        assert lines[0] == "declared" and lines.index("page.started") < lines.index("page.done")
        assert lines.index("tell.started") < lines.index("tell.done") and "imported" not in lines

    told = await town.sb.wait_for("general", "what you declared blind", as_user="U0ANA", timeout=60)
    assert "*INC-1 · sev1 · checkout is down*" in told.plain and "paged already" in told.plain
    await town.sb.find_channel("inc-1-")
    await town.sb.wait_for("incidents", "is *INC-1* now")
    taken = await town.sb.wait_for("incidents", lambda m: m.ts == announced.ts and "INC-1" in m.plain)
    assert taken.edited, "the blind message is the announcement now"
    await settled(town, {"imported"})

    async def over() -> bool:
        run = await town.read(lambda tx: runs.get(tx, "INC-1/1"))
        return run.state in ("succeeded", "incomplete")

    await town.sb.wait_until(over, timeout=60)
    (page,) = await pages(town)
    found = await town.read(lambda tx: incidents.get(tx, "INC-1"))
    assert found.facts["page"] == page["id"] and found.facts["page_key"] == page["incident_key"]
    assert len(await town.read(lambda tx: incidents.latest(tx, limit=9))) == 1
    first, second, *_ = await town.events("INC-1", "incident.declared", "journal.imported", "journal.effect")
    assert first.body["imported"] is True and first.source_at is not None and first.source_at <= first.at
    assert first.when == found.declared_at and second.body["intact"] is True
    effects = [(e.body["effect"], e.body["outcome"]) for e in await town.events("INC-1", "journal.effect")]
    assert sorted(effects) == [("page", "done"), ("page", "started"), ("tell", "done"), ("tell", "started")]
    announcements = [m for m in await town.sb.messages("incidents") if "checkout is down" in m.plain]
    assert len(announcements) == 1
    # An acknowledgement of that page finds its incident.
    await town.sb.acknowledge(page["incident_key"], "ben@example.com")

    async def acknowledged() -> bool:
        return bool((await town.read(lambda tx: incidents.get(tx, "INC-1"))).acknowledged_at)

    await town.sb.wait_until(acknowledged)
    await town.proven()


async def test_forms_secrets_guests_and_silence(town: Town) -> None:
    """A form declares blind too; a restricted one is told nobody; a guest is turned away; a silent pager is tried on."""
    await town.muster()
    await town.says("U0ANA", "#general", "/incident list", "open")
    async with outage(town.url):
        await town.sb.type("U0ANA", "#general", "/incident declare")
        await town.sb.wait_until(lambda: town.sb.views("U0ANA"))
        await town.sb.fail("pagerduty", "*", "503", times=1)
        sent = await town.sb.submit("U0ANA", {"severity": "sev1", "title": "keys of Bob leaked", "type": "security"})
        assert sent.acked and not sent.body
        done = await town.sb.wait_for("general", "PagerDuty took the page", as_user="U0ANA", timeout=60)
        assert "Told" not in done.plain
        (page,) = await pages(town)
        assert "Bob" not in str(page) and "restricted" in str(page)
        await town.sb.change_channel("general", add=["U0GUS"])
        await town.sb.type("U0GUS", "#general", SEV1)
        await town.sb.wait_for("general", "for full members", as_user="U0GUS")
        assert len(await pages(town)) == 1
        wrong = await town.sb.type("U0ANA", "#general", "/incident declare sev9 what")
        assert "There is no severity" in wrong.body["text"] and "Nothing has happened" in wrong.body["text"]
    await town.sb.wait_for("general", "what you declared blind", as_user="U0ANA", timeout=60)
    found = await town.sb.find_channel("inc-1-restricted")
    assert found["is_private"]
    await settled(town, {"imported", "refused"})
    assert [m for m in await town.sb.messages("incidents") if "Bob" in m.plain or "INC-1" in m.plain] == []
    refused = await town.sb.wait_until(lambda: town.events("org", "access.refused"), timeout=60)
    assert [event.body["command"] for event in refused] == ["incident declare"]
    assert len(await pages(town)) == 1
    await town.proven()


async def test_two_replicas_two_journals_and_a_death_in_the_middle(town: Town) -> None:
    """Each brings its own; what another process left half-way is brought by whoever starts on its file, once."""
    one = await town.muster()
    if not one.db.sqlite:
        await town.muster(replica="two")
    async with outage(town.url):
        await town.sb.type("U0ANA", "#general", SEV1)
        await town.sb.type("U0BEN", "#general", "/incident declare sev2 login fails service=auth")
        for page in await pages(town, 2):
            if "checkout" in page["title"]:  # somebody has dealt with it before the database is back
                await town.sb.resolve_page(page["incident_key"], "ben@example.com")
    for user in ("U0ANA", "U0BEN"):
        await town.sb.wait_for("general", "what you declared blind", as_user=user, timeout=60)

    async def imported() -> bool:
        files = [Journal(path, "test", "test") for path in Path(town.folder).glob("*.jsonl")]
        return all(not journal.waiting() for journal in files)

    await town.sb.wait_until(imported, timeout=60)

    def made(tx: Any) -> list[str]:
        return sorted(f"{one.severity} {one.title}" for one in incidents.latest(tx, limit=9))

    assert await town.read(made) == ["sev1 checkout is down", "sev2 login fails"]
    assert len(await pages(town, 2)) == 2
    events = await town.read(lambda tx: timeline.read(tx, "INC-1", types=("journal.imported",)))
    assert len(events) == 1
    await town.proven()


async def test_a_process_that_starts_in_the_outage_opens_its_doors(town: Town) -> None:
    """What took the database away may have ended Muster too: it starts, pages, and brings it home when it can."""
    if town.url.startswith("sqlite"):
        pytest.skip("a SQLite file that is held keeps its one writer waiting, not away")
    async with outage(town.url):
        app = town.prepared()
        starting = asyncio.create_task(app.start())
        assert app.socket is not None
        async with asyncio.timeout(20):
            await app.socket.up.wait()
        await town.sb.deliver_to("socket")
        ack = await town.sb.type("U0ANA", "#general", SEV1)
        assert "declaring blind" in ack.body["text"]
        await pages(town)
        health = await town.sb.http.get(f"{app.url}/readyz")
        assert health.status_code == 503, "a database it never reached may be a wrong address"
        assert not starting.done()
    await asyncio.wait_for(starting, 20)
    await town.sb.wait_for("general", "what you declared blind", as_user="U0ANA", timeout=60)
    async with outage(town.url):
        health = await town.sb.http.get(f"{app.url}/readyz")
        assert (health.status_code, health.text[:5]) == (200, "blind")
    await town.proven()
