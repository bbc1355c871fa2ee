"""`muster watch`: what a terminal shows of an incident as it goes on, when it ends, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from bot import watching
from bot.app import App
from bot.render import watching as render
from bot.sandbox.client import SandboxClient
from playbooks.errors import Refused
from storage import incidents, migrate
from storage.db import Database
from tests.bot.test_main import ROOT, muster

FAST = watching.How(every_s=0.05)


def screen(width: int, terminal: bool = True) -> Console:
    """A terminal of this width that keeps what it was shown."""
    return Console(
        file=io.StringIO(), width=width, height=60, force_terminal=terminal, highlight=False, legacy_windows=False
    )


def shown(console: Console) -> str:
    """What it was shown so far."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_it_shows_the_incident_its_run_what_waits_and_its_end(bot: App, people: SandboxClient) -> None:
    settings: Any = bot.settings
    with pytest.raises(Refused, match="Which incident"):
        await watching.watch(settings, "", watching.How(once=True))
    await people.type("U0ANA", "general", "/incident declare sev1 checkout is [bold]down[/] service=checkout")
    channel = (await people.find_channel("inc-"))["name"]
    await people.wait_for(channel, lambda m: m.button("Resolve") is not None)
    await people.type("U0ANA", channel, "/playbook run failover/rds-multi-az")
    await people.wait_for(channel, lambda m: m.button("Approve") is not None, timeout=20)

    wide, narrow, piped = screen(140), screen(60), screen(80, terminal=False)
    assert await watching.watch(settings, "", watching.How(once=True), wide) == 0, "the only open one is meant"
    assert await watching.watch(settings, "1", watching.How(once=True), narrow) == 0
    for console in (wide, narrow):
        said = shown(console)
        assert "INC-1" in said and "checkout is [bold]down[/]" in said, "nothing typed is markup"
        assert "muster approve INC-1/2" in said and "of 4 steps" in said and "aws.rds_failover" in said
        assert max(len(Text.from_ansi(line).plain) for line in said.split("\n")) <= console.width
    assert "Ana" in shown(wide)
    piped.soft_wrap = True  # as where standard output is no terminal
    assert await watching.watch(settings, "", watching.How(once=True), piped) == 0
    framed = " ".join(shown(piped).replace("│", " ").split())
    assert "/incident timeline INC-1" in framed, "nothing of the board is cut"
    assert any("skipped: its condition" in line and line.endswith("!= 'drill'") for line in shown(piped).splitlines())
    with pytest.raises(Refused, match="no incident inc-99"):
        await watching.watch(settings, "inc-99", watching.How(once=True))

    # A screen of 45 lines shows its newest events, one line each.
    scene = await bot.db.read(lambda tx: render.read(tx, "INC-1", bot.policy, ""))
    small = screen(60)
    small.size = ConsoleDimensions(60, 45)
    small.print(render.draw(scene, small))
    lines = [Text.from_ansi(line).plain for line in shown(small).rstrip("\n").split("\n")]
    assert len(lines) <= 45 and lines[-1].strip().startswith(f"{scene.last} "), "the newest stands on the last line"
    assert "eu-north-1a -> eu-north-1b" in " ".join(" ".join(lines).replace("│", " ").split()), (
        "what is approved is said"
    )

    # Three who watch until the end: a terminal, a file, a program.
    live, file, program = screen(100), screen(100, terminal=False), screen(100, terminal=False)
    watched = asyncio.gather(
        watching.watch(settings, "INC-1", FAST, live),
        watching.watch(settings, "INC-1", FAST, file),
        watching.watch(settings, "INC-1", watching.How(as_json=True, every_s=0.05), program),
    )
    await people.type("U0BEN", channel, "/playbook abort INC-1/2 another way")
    await people.wait_for(channel, lambda m: "aborted" in m.plain, timeout=20)
    assert not watched.done()
    await people.type("U0BEN", channel, "/incident resolve it was the cable")
    async with asyncio.timeout(60):
        assert list(await watched) == [0, 0, 0]
    assert "it was the cable" in shown(file) and "it was the cable" in shown(live)
    assert "aborted" in shown(live)
    rows = [json.loads(line) for line in shown(program).splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert {"incident.declared", "incident.resolved"} <= {row["type"] for row in rows} and all(
        row["hash"] for row in rows
    )


def test_without_a_database_it_says_so() -> None:
    env = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "MUSTER_CONFIG": "muster.example.yaml"}
    ended = muster("watch", "INC-1", **env)
    assert ended.returncode == 1 and "DATABASE_URL" in ended.stderr and "Traceback" not in ended.stderr


async def test_ctrl_c_ends_it_without_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate.upgrade(url)
    async with Database(url) as db:
        await db.write(lambda tx: incidents.open_incident(tx, title="down", severity="sev1", by="P-AAAAAAAAAAAA"))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": url, "MUSTER_CONFIG": "muster.example.yaml",
           "XDG_CONFIG_HOME": str(tmp_path)}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "watch",
        env=env,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # ignored by what runs behind nohup
    )
    assert process.stdout and process.stderr
    async with asyncio.timeout(40):
        assert b"declared sev1" in await process.stdout.readline(), "not a terminal: a line an event"
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        said = (await process.stderr.read()).decode()
    assert "Traceback" not in said, said
