"""The verbs of an enrolled terminal, as a person starts them: words and exit codes, never a traceback, never a code."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot import cli
from bot.app import App
from bot.sandbox.client import SandboxClient
from storage import migrate
from storage.sealing import Seal
from storage.tables import inbox
from tests.bot.test_main import muster


def test_a_key_is_a_key() -> None:
    made = muster("key")
    assert made.returncode == 0 and Seal(made.stdout.strip()) and made.stdout != muster("key").stdout
    wrong = muster("doctor", MUSTER_KEY="hunter2")
    assert wrong.returncode == 1 and "MUSTER_KEY" in wrong.stderr and "muster key" in wrong.stderr
    assert "hunter2" not in wrong.stderr


def test_without_an_enrolment_they_say_how_to_begin(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate.upgrade(url)
    env = {"DATABASE_URL": url, "XDG_CONFIG_HOME": str(tmp_path)}
    for words in (
        ("approve", "INC-1/1"),
        ("deny", "INC-1/1", "no"),
        ("status",),
        ("say", "incident list"),
        ("logout",),
    ):
        ended = muster(*words, **env)
        assert ended.returncode == 1 and "muster login" in ended.stderr and "Traceback" not in ended.stderr, words
    (tmp_path / "muster").mkdir()
    (tmp_path / "muster/terminal.json").write_text("{}")
    assert "cannot be read" in muster("status", **env).stderr


async def test_a_code_in_a_line_for_somebody_of_the_sandbox_is_not_stored_either(
    bot: App, people: SandboxClient
) -> None:
    line = "playbook approve org/1 code=123456"
    await cli.say(bot.settings, line, as_user="U0BEN", channel="C0INCIDENTS", wait_s=5.0, as_json=False)
    rows = await bot.db.read(lambda tx: tx.conn.execute(select(inbox.c.line)).scalars().all())
    assert rows == ["playbook approve org/1 code=wrong:unknown"]
