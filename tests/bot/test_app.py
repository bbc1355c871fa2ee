"""The whole process: the road from a declare to a guarded failover, both databases, SIGTERM, kill -9, the ruling policy."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from bot.app import App, build
from bot.sandbox.client import SandboxClient
from bot.settings import Settings
from commands.timers import quorum_check
from playbooks.errors import Refused
from storage import migrate, policies, timers, verify
from storage.db import Tx
from storage.tables import inbox

ROOM = "inc-1-checkout-is-down"
EXAMPLE = Path(__file__).resolve().parents[2] / "muster.example.yaml"


async def approvable(people: SandboxClient) -> Any:
    return await people.wait_for(ROOM, lambda m: any(b.text == "Approve" for b in m.buttons), timeout=30)


async def through_the_failover(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev1 checkout is down service=checkout")
    await people.wait_for(ROOM, "Take command", timeout=20)
    await people.type("U0ANA", ROOM, "/playbook run failover/rds-multi-az service=checkout")
    card = await approvable(people)
    for fact in (
        "step 2 of 4", "asked by *Ana*", "Reboot orders-db with failover: eu-north-1a → eu-north-1b", "Point of no return",
        "Data lost if you go now", "RPO 5 min", "sha256:", "expires", "0 of 2 from `@sre`", "*Ben*", "*Chi*",
    ):  # fmt: skip
        assert fact in card.plain, fact
    await people.click("U0ANA", ROOM, "Approve")
    await people.wait_for(ROOM, "your approval does not count", as_user="U0ANA")
    await people.click("U0BEN", ROOM, "Approve")
    await people.wait_for(ROOM, "(1 of 2 from `@sre`)", timeout=40)
    await people.click("U0CHI", ROOM, "Approve")
    done = await people.wait_for(ROOM, "*finished*", timeout=40)
    assert "✅ 2 aws.rds_failover" in done.plain and not done.buttons
    started = await people.wait_for(ROOM, lambda m: "*started " in m.plain and "Approved by" in m.plain)
    assert not started.buttons and started.ts == card.ts
    assert all(verdict.ok for verdict in await bot.db.read(verify.check_database))


async def test_declare_approve_fail_over_on_sqlite_by_socket(start: Any, people: SandboxClient) -> None:
    await through_the_failover(await start("socket"), people)


async def test_declare_approve_fail_over_on_postgresql_web_and_worker_apart(
    start: Any, people: SandboxClient, postgres_url: str
) -> None:
    await asyncio.to_thread(migrate.upgrade, postgres_url)
    worker = await start(roles=("worker",), database_url=postgres_url, muster_replica="worker-1")
    await start(roles=("web",), database_url=postgres_url, muster_replica="web-1")
    await through_the_failover(worker, people)


def test_without_a_token_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Refused, match="SLACK_BOT_TOKEN is not set"):
        build(Settings(muster_config=EXAMPLE))
    with pytest.raises(Refused, match="SLACK_APP_TOKEN"):
        build(Settings(muster_config=EXAMPLE, slack_bot_token="xoxb-1"))


async def test_a_changed_file_does_not_change_who_approves(start: Any, people: SandboxClient, tmp_path: Path) -> None:
    first = await start()
    people_needed = first.policy.approvals.people
    loose = tmp_path / "loose.yaml"
    loose.write_text(
        EXAMPLE.read_text()
        .replace("approvals:\n", "approvals:\n  expires: 59m\n", 1)
        .replace("\n  expires: 15m", "\n", 1)
    )
    second = await start(roles=("worker",), muster_config=loose, muster_replica="second")
    assert second.policy.approvals.expires == first.policy.approvals.expires
    assert second.engine.house.policy.approvals.people == people_needed
    assert len(await second.db.read(policies.proposed)) == 1


async def test_muster_starts_with_slack_alone(
    start: Any, people: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    none: dict[str, Any] = {
        "pagerduty_api_key": None, "pagerduty_routing_key": None, "statuspage_api_key": None, "aws_endpoint_url": None,
        "aws_default_region": None,
    }  # fmt: skip
    await start(**none)
    await people.type("U0ANA", "incidents", "/incident declare sev1 checkout is down service=checkout")
    card = await people.wait_for(ROOM, "Take command", timeout=20)
    await people.wait_for(ROOM, lambda m: "not sent" in m.plain and "not configured" in m.plain, timeout=20)
    assert card


async def test_a_line_cut_while_a_timer_is_set_is_no_reason_not_to_start(
    start: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    armed = quorum_check.arm

    def cut(tx: Tx) -> None:
        armed(tx)
        tries.append(tx.conn.scalar(text("SELECT pg_backend_pid()")))
        if len(tries) == 1:
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [tries[0]])

    migrate.upgrade(postgres_url)
    monkeypatch.setattr(quorum_check, "arm", cut)
    app = await start(database_url=postgres_url)
    assert len(tries) == 2, "the first was lost with its commit"
    assert len(await app.db.read(lambda tx: timers.pending_of(tx, quorum_check.SUBJECT))) >= 1


async def child(env: dict[str, str], tmp_path: Path) -> asyncio.subprocess.Process:
    given = {**os.environ, **env, "DATABASE_URL": f"sqlite:///{tmp_path / 'child.db'}", "MUSTER_CONFIG": str(EXAMPLE)}
    given |= {"MUSTER_PORT": "0", "PYTHONPATH": str(EXAMPLE.parent)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", env=given, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )


async def connected(sandbox: Any) -> None:
    async with asyncio.timeout(20):
        while not sandbox.socket.connections:
            await asyncio.sleep(0.02)


async def test_sigterm_ends_in_order_with_nothing_lost(sandbox: Any, people: SandboxClient, tmp_path: Path) -> None:
    process = await child(sandbox.env(), tmp_path)
    await connected(sandbox)
    acks = await people.type_many([("U0ANA", "incidents", f"/incident note nothing {n}") for n in range(20)])
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors and all(ack.acked for ack in acks)
    states = await settled_in(tmp_path)
    assert sum(states.values()) == 20 and set(states) <= {"refused", "received"}, "in hand: finished; not begun: kept"


async def test_an_acknowledged_ask_survives_kill_9(sandbox: Any, people: SandboxClient, tmp_path: Path) -> None:
    process = await child(sandbox.env(), tmp_path)
    await connected(sandbox)
    acks = await people.type_many([("U0ANA", "incidents", f"/incident note nothing {n}") for n in range(20)])
    process.kill()
    await process.communicate()
    assert all(ack.acked for ack in acks)
    assert sum((await settled_in(tmp_path)).values()) == 20
    again = await child(sandbox.env(), tmp_path)
    async with asyncio.timeout(60):
        while await settled_in(tmp_path) != {"refused": 20}:
            await asyncio.sleep(0.2)
    again.terminate()
    await again.communicate()


async def settled_in(tmp_path: Path) -> dict[str, int]:
    from storage.db import Database

    db = Database(f"sqlite:///{tmp_path / 'child.db'}")
    states = await db.read(lambda tx: list(tx.conn.execute(select(inbox.c.state)).scalars()))
    await db.close()
    return {state: states.count(state) for state in states}


async def test_stopped_within_milliseconds_of_its_start_it_leaves_no_connection(
    sandbox: Any, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to the garbage collector, and nothing on the server, whenever the stop comes."""
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread(migrate.upgrade, postgres_url)
    given = {"database_url": postgres_url, "muster_config": EXAMPLE, "muster_port": 0, "muster_journal": tmp_path / "j"}
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        for wait_s in (0.0, 0.004, 0.012):
            app = build(Settings.of(sandbox.env(), **given))
            hearing = asyncio.create_task(app._hear())
            await asyncio.sleep(wait_s)
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            assert [task for task in asyncio.all_tasks() if "_listen" in repr(task.get_coro())] == []
            await app.start(("worker",))
            await asyncio.sleep(wait_s)
            await app.stop()
            del app, hearing
            gc.collect()
            assert await open_on(postgres_url) == [], wait_s
    assert [str(one.message) for one in left if issubclass(one.category, ResourceWarning)] == []


async def open_on(url: str) -> list[str]:
    """What the connections to this database that nobody closed asked for last."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        query = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return [row[0] for row in await (await conn.execute(query)).fetchall()]
