"""The command line: exit codes and words, never a traceback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import cli, record
from bot.app import App
from bot.sandbox.client import SandboxClient
from bot.settings import Settings
from playbooks.errors import Refused
from storage.db import Tx
from storage.timeline import Entry, append

ROOT = Path(__file__).resolve().parents[2]


def muster(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK", "MUSTER", "PAGERDUTY"))}
    given = {**keep, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


def test_another_terminal_can_source_what_the_workspace_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some values are longer than a line."""
    file, env = tmp_path / "env", {"DR_HOST_KEY": "-----BEGIN\nit's a 'key'\n-----END", "MUSTER_URL": "http://x"}
    cli._tell(env, "http://page", file)
    assert f"#   . {file}" in capsys.readouterr().out and file.stat().st_mode & 0o777 == 0o600
    shell = ["bash", "-c", f'. {file}; printf %s "$DR_HOST_KEY|$MUSTER_URL"']
    ended = subprocess.run(shell, capture_output=True, text=True, check=True)
    assert ended.stdout == "|".join(env.values())


def test_a_process_without_a_token_ends_with_words(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}", "MUSTER_CONFIG": "muster.example.yaml"}
    ended = muster("serve", **env)
    assert ended.returncode == 1 and "SLACK_BOT_TOKEN is not set" in ended.stderr and "Traceback" not in ended.stderr


def test_a_wrong_variable_is_named_without_its_value() -> None:
    ended = muster("doctor", MUSTER_PORT="hunter2")
    assert ended.returncode == 1 and "MUSTER_PORT" in ended.stderr
    assert "hunter2" not in ended.stderr and "Traceback" not in ended.stderr


async def test_say_works_only_against_the_sandbox(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'x.db'}", slack_bot_token="xoxb-1", sandbox_url=None)
    with pytest.raises(Refused, match="only against the sandbox"):
        await cli.say(settings, "incident help", as_user="U0ANA", channel=None, wait_s=1, as_json=False)


async def test_say_prints_the_answers_and_ends_with_their_code(
    bot: App, people: SandboxClient, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"as_user": "U0ANA", "channel": "C0INCIDENTS", "wait_s": 10.0}
    assert await cli.say(bot.settings, "/incident help", as_json=False, **said) == 0
    assert "/incident declare" in capsys.readouterr().out
    assert await cli.say(bot.settings, "incident declare sev9 x", as_json=True, **said) == 1
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert "sev9" in json.loads(line)["text"] and json.loads(line)["ok"] is False


async def test_an_exported_timeline_verifies_until_somebody_edits_it(
    bot: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(tx: Tx) -> Any:
        return append(tx, "INC-7", *(Entry("incident.note", "p1", {}, {"text": f"note {n}"}) for n in range(3)))

    await bot.db.write(write)
    file = tmp_path / "INC-7.jsonl"
    assert await asyncio.to_thread(record.exported, bot.settings.database_url, "inc-7", file) == 0
    assert await asyncio.to_thread(record.verified, str(file)) == 0
    assert await asyncio.to_thread(record.verified, bot.settings.database_url) == 0
    file.write_text(file.read_text().replace("note 1", "note one"))
    assert await asyncio.to_thread(record.verified, str(file)) == 1
    assert "event 2 of INC-7" in capsys.readouterr().out


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no file"):
        record.verified(str(tmp_path / "none.jsonl"))
