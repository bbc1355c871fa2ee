"""Planted secrets stay out of every row, log line, message, file, export and metric, also while things fail."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import inspect, select, text

from bot import cli
from bot.record import exported
from bot.sandbox.pagerduty import account
from bot.sandbox.pagerduty.webhooks import WEBHOOK_SECRET
from bot.sandbox.statuspage import API_KEY as STATUSPAGE_KEY
from bot.sandbox.world import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from storage import tables
from storage.db import Tx

AWS_SECRET, PASSWORD, OLD_HOOK = "aws-marker-5eb63bbbe01e", "dsn-marker-eeed093cb22b", "hook-marker-b8f5d0c1e7a2"
MARKERS = {
    "bot token": BOT_TOKEN, "app token": APP_TOKEN, "signing secret": SIGNING_SECRET,
    "PagerDuty key": account.API_KEY, "routing key": account.ROUTING_KEY, "webhook secret": WEBHOOK_SECRET,
    "second webhook secret": OLD_HOOK, "Statuspage key": STATUSPAGE_KEY, "AWS secret": AWS_SECRET,
    "database password": PASSWORD,
}  # fmt: skip
HUSHED = ("botocore", "boto3", "urllib3", "hpack")  # other people's debug lines; Muster never turns them on


class Lines(logging.Handler):
    """Everything that is logged, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(HUSHED):
            self.text.append(record.getMessage() + str(record.exc_info or ""))

    def keep(self, logger: Any, name: str, event: Any) -> Any:
        """structlog's last processor: keep the line, print nothing."""
        self.text.append(repr(event))
        raise structlog.DropEvent


@pytest.fixture
def logged() -> Iterator[Lines]:
    """structlog and the standard library at debug, captured."""
    lines, before, root = Lines(), structlog.get_config(), logging.getLogger()
    level = root.level
    structlog.configure(
        processors=[structlog.processors.format_exc_info, lines.keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(lines)
    root.setLevel(level)
    structlog.configure(**before)


async def seen(town: Any) -> str:
    """Every message of every channel as everybody sees it, every file, and what the outside services keep."""
    parts = [json.dumps(await town.sb.pagerduty()), json.dumps(await town.sb.statuspage())]
    for file in await town.sb.files():
        parts.append(json.dumps(file))
    for channel in await town.sb.channels():
        name = f"@{channel['members'][0]}" if channel["is_im"] else channel["name"]
        parts.append(json.dumps(channel))
        parts += [json.dumps([m.plain, m.text, m.blocks, m.metadata]) for m in await town.sb.messages(name, "*")]
    return "\n".join(parts)


def rows(tx: Tx) -> str:
    """Every row of every table there is, the ones of nobody's model with them."""
    found = []
    for name in inspect(tx.conn).get_table_names():
        known = tables.metadata.tables.get(name)
        query = select(known) if known is not None else text(f'SELECT * FROM "{name}"')
        found += [f"{name} {dict(row)!r}" for row in tx.conn.execute(query).mappings()]
    return "\n".join(found)


async def test_a_planted_secret_is_nowhere(
    town: Any, logged: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On both databases: declare, fail over with a table check that fails in two ways, resolve; then look everywhere."""
    app = await town.muster(
        aws_secret_access_key=AWS_SECRET, pagerduty_webhook_secret=f"{OLD_HOOK},{WEBHOOK_SECRET}", muster_log="debug"
    )
    sb = town.sb
    monkeypatch.setenv("CHECKOUT_DSN", f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/checkout?application_name=x")
    await sb.fail("pagerduty", "POST /v2/enqueue", "error:forbidden")
    await sb.fail("slack", "conversations.setTopic", "missing_scope")
    await sb.fail("statuspage", "*", "error:forbidden")
    channel = await town.declared()
    await town.says("U0ANA", channel, "/playbook plan failover/rds-multi-az service=checkout", "reboot orders-db")
    await town.says("U0ANA", channel, f"/incident note we saw {'x' * 40}", "Noted")
    card = await town.asked(channel)
    await sb.fail("aws", "RebootDBInstance", "429")
    await town.presses("U0BEN", channel, "Approve", card, "1 of 2")
    await town.presses("U0CHI", channel, "Approve", card, "it starts now")
    run = await sb.wait_for(channel, lambda m: "4 postgres.check_tables" in m.plain and "⏳ *4" in m.plain, timeout=30)
    assert "127.0.0.1" in run.plain or "could not be reached" in run.plain or "connect" in run.plain, run.plain
    monkeypatch.setenv("CHECKOUT_DSN", f"not-an-address {PASSWORD}")
    paused = await sb.wait_for(channel, lambda m: m.ts == run.ts and m.button("Retry") is not None, timeout=30)
    await sb.click("U0ANA", channel, "Skip", ts=paused.ts)
    await sb.wait_until(lambda: sb.views("U0ANA"))
    await sb.submit("U0ANA", {"reason": "read by hand"})
    await sb.wait_for(channel, lambda m: m.ts == run.ts and "*finished*" in m.plain)
    await town.says("U0BEN", channel, "/incident resolve writer moved", "resolved")
    await sb.wait_until(lambda: _draft(sb), timeout=60)
    async with httpx.AsyncClient(trust_env=False) as web:
        metrics = (await web.get(f"{app.url}/metrics")).text
        page = (await web.get(f"{app.url}/incidents/INC-1")).text
    output = tmp_path / "export.jsonl"
    assert await asyncio.to_thread(exported, town.url, "INC-1", output) == 0
    places = {
        "a row": await town.read(rows), "a log line": "\n".join(logged.text), "a message or file": await seen(town),
        "the export": output.read_text(), "/metrics": metrics, "the page": page, "the settings": repr(app.settings),
    }  # fmt: skip
    assert all(len(shown) > 100 for name, shown in places.items() if name != "the page"), "something was looked at"
    leaks = [
        f"the {secret} is in {place}: …{shown[max(0, shown.index(value) - 200) : shown.index(value) + 60]}…"
        for place, shown in places.items()
        for secret, value in MARKERS.items()
        if value in shown
    ]
    assert not leaks, "\n".join(leaks)


async def _draft(sb: Any) -> bool:
    return any(file["name"] == "INC-1-post-mortem.md" for file in await sb.files())


def test_a_traceback_on_a_terminal_shows_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way Muster logs for people: a fault in a frame that holds a token prints the line, not the token."""
    terminal, before = Terminal(), structlog.get_config()
    monkeypatch.setattr(sys, "stderr", terminal)
    cli.logs("debug")
    try:
        _fail_with(BOT_TOKEN)
    finally:
        structlog.configure(**before)
    assert "ZeroDivisionError" in terminal.getvalue()
    assert BOT_TOKEN not in terminal.getvalue()


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _fail_with(token: str) -> None:
    held = {"token": token}
    try:
        len(held) / 0
    except ZeroDivisionError:
        structlog.get_logger("test").exception("it.broke")
