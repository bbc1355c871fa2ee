"""Slack's door over the real wire: what is refused, stored, acknowledged, asked back, and said when nothing is stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.app import App
from bot.sandbox.client import SandboxClient
from bot.slack import parse_body
from storage.tables import inbox


async def asks(bot: App) -> list[dict[str, Any]]:
    rows = await bot.db.read(lambda tx: tx.conn.execute(select(inbox).order_by(inbox.c.received_at)).mappings().all())
    return [dict(row) for row in rows]


def count(bot: App, name: str, **labels: str) -> float:
    return bot.metrics.registry.get_sample_value(name, labels) or 0.0


async def test_a_command_is_stored_acknowledged_empty_and_answered(bot: App, people: SandboxClient) -> None:
    ack = await people.type("U0ANA", "incidents", "/incident help")
    assert (ack.status, ack.body) == (200, None)
    await people.wait_for("incidents", "/incident declare", as_user="U0ANA")
    (row,) = await asks(bot)
    assert row["line"] == "incident help" and row["account"] == "T0MUSTER/U0ANA" and row["state"] == "done"
    assert row["channel"] == "C0INCIDENTS" and "payload" not in row["values"]


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("signature", {"secret": "another secret"}),
        ("signature", {"signature": "v0=ünicode"}),
        ("stale", {"timestamp_shift": 301.0}),
        ("stale", {"timestamp_shift": -301.0}),
    ],
)
async def test_forged_or_old_requests_are_refused_and_counted(
    bot: App, people: SandboxClient, why: str, changes: dict[str, Any]
) -> None:
    first = await people.type("U0ANA", "incidents", "/incident help")
    assert first.delivery
    before = count(bot, "muster_requests_refused_total", door="slack", why=why)
    if "signature" in changes:
        changes = {"signature": "v0=" + "0" * 63 + "g"}
    again = await people.redeliver(first.delivery, mutate={"trigger_id": "forged"}, **changes)
    assert not again.acked and again.status == 401
    assert count(bot, "muster_requests_refused_total", door="slack", why=why) == before + 1
    assert [row["key"] for row in await asks(bot) if row["key"] == "forged"] == []


async def test_a_timestamp_that_is_no_number_is_refused(bot: App, people: SandboxClient) -> None:
    headers = {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=0"}
    answer = await people.http.post(f"{bot.url}/slack/events", content=b"{}", headers=headers)
    assert answer.status_code == 401 and "timestamp" in answer.text


async def test_the_word_payload_loses_no_command(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident note payload=errors & payload <things>")
    (row,) = await asks(bot)
    assert row["line"].startswith("incident note payload=errors")


async def test_an_identical_repeat_is_acknowledged_counted_and_has_no_effect(bot: App, people: SandboxClient) -> None:
    first = await people.type("U0ANA", "incidents", "/incident help")
    assert first.delivery
    again = await people.redeliver(first.delivery)
    assert again.acked
    assert len(await asks(bot)) == 1
    assert count(bot, "muster_asks_repeated_total", kind="command") == 1


async def test_declare_alone_opens_a_form_and_stores_nothing(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident declare")

    async def form() -> Any:
        return await people.views("U0ANA")

    (seen,) = await people.wait_until(form)
    assert seen.title == "Incident declare"
    assert await asks(bot) == []
    sent = await people.submit("U0ANA", {"severity": "sev2", "title": "login is slow", "type": "normal"})
    assert sent.acked and not sent.body
    await people.wait_for("incidents", "INC-1 · sev2 · login is slow", as_user="U0ANA")
    (row,) = await asks(bot)
    assert row["kind"] == "form" and row["values"]["title"] == "login is slow" and row["channel"] == "C0INCIDENTS"


async def test_a_form_with_an_error_says_so_inside_the_acknowledgement(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident declare")
    await people.wait_until(lambda: people.views("U0ANA"))
    sent = await people.submit("U0ANA", {"severity": "sev2", "title": "   ", "type": "normal"})
    assert sent.body and sent.body["response_action"] == "errors"
    assert "field.title" in sent.body["errors"]
    assert await asks(bot) == []


async def test_acknowledging_waits_for_no_other_service(bot: App, people: SandboxClient) -> None:
    await people.latency("slack", 30.0)
    ack = await people.type("U0ANA", "incidents", "/incident help")
    form = await people.type("U0ANA", "incidents", "/incident declare")
    assert ack.acked and form.acked, "within the three seconds that Slack waits"
    await people.latency("slack", 0.0)


async def test_what_cannot_be_stored_is_said_in_time_with_the_phone_to_call(bot: App, people: SandboxClient) -> None:
    """A declare is done blind: tests/conversations/test_blind.py."""
    await people.type("U0ANA", "incidents", "/incident help")
    await bot.worker.stop()
    await bot.db.write(lambda tx: tx.conn.execute(text("ALTER TABLE inbox RENAME TO inbox_away")))
    ack = await people.type("U0ANA", "incidents", "/incident resolve restarted it")
    await bot.db.write(lambda tx: tx.conn.execute(text("ALTER TABLE inbox_away RENAME TO inbox")))
    assert ack.acked and ack.latency_ms is not None and ack.latency_ms < 3000
    assert ack.body["response_type"] == "ephemeral"
    assert "could not write down" in ack.body["text"] and "nothing has happened" in ack.body["text"]
    assert "+1-555" in ack.body["text"], "the on-call's phone of the policy"


async def test_two_hundred_at_once_are_all_stored(start: Any, people: SandboxClient) -> None:
    bot = await start(roles=("web",))
    acks = await people.type_many([("U0ANA", "incidents", f"/incident note number {n}") for n in range(200)])
    assert all(ack.acked for ack in acks)
    assert len({row["line"] for row in await asks(bot)}) == 200


async def test_socket_mode_comes_back_after_slack_closes_it(start: Any, people: SandboxClient, sandbox: Any) -> None:
    await start("socket")
    assert (await people.type("U0ANA", "incidents", "/incident help")).acked
    await sandbox.socket.disconnect()
    await asyncio.sleep(0.5)

    async def again() -> bool:
        return bool((await people.type("U0ANA", "incidents", "/incident help")).acked)

    await people.wait_until(again, timeout=40)


def test_bodies() -> None:
    assert parse_body("application/json", b'{"type": "x"}') == {"type": "x"}
    assert parse_body("application/x-www-form-urlencoded", b"payload=%7B%22type%22%3A%22y%22%7D") == {"type": "y"}
    assert parse_body("application/x-www-form-urlencoded", b"text=payload&command=%2Fincident") == {
        "text": "payload",
        "command": "/incident",
    }
    for bad in (b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000):
        assert parse_body("application/json", bad) is None
