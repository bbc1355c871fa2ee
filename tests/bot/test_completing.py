"""What a shell offers while somebody types `muster say …`, word by word or inside quotes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import cli, completing
from bot.settings import Settings
from storage import incidents, migrate
from storage.db import Database
from tests.bot.test_main import ROOT


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """A database with INC-1 open, and the example's policy."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate.upgrade(url)

    def work(tx: Any) -> None:
        incidents.open_incident(tx, title="checkout is down", severity="sev1", by="P-AAAAAAAAAAAA")

    async with Database(url) as db:
        await db.write(work)
    return Settings(database_url=url, muster_config=ROOT / "muster.example.yaml")


def offered(settings: Settings, *words: str) -> list[str]:
    """The words offered for the last one."""
    *said, last = words
    return [word for word, _ in completing.line_words(lambda: settings, said, last)]


def test_words_of_the_place_the_line_is_at(settings: Settings) -> None:
    assert offered(settings, "") == ["incident", "playbook"]
    assert offered(settings, "/inc") == ["/incident"]
    assert "declare" in offered(settings, "incident", "dec") and "send" not in offered(settings, "incident", "")
    assert offered(settings, "incident", "declare", "sev") == ["sev1", "sev2", "sev3"]
    assert "service=checkout" in offered(settings, "incident", "declare", "sev1", "slow", "service=c")
    assert "failover/rds-multi-az" in offered(settings, "playbook", "run", "failover/")
    assert offered(settings, "playbook", "run", "failover/rds-multi-az", "ser") == ["service="]
    assert "service=checkout" in offered(settings, "playbook", "run", "failover/rds-multi-az", "service=")
    assert offered(settings, "incident", "frobnicate", "") == []
    assert offered(settings, "incident", "sev", "") == ["INC-1", "sev1", "sev2", "sev3"], "the incident may be left out"
    assert offered(settings, "incident", "sev", "INC-1", "s") == ["sev1", "sev2", "sev3"]
    assert offered(settings, "incident", "role", "com") == ["commander", "comms_lead"]
    assert offered(settings, "incident", "sev", "sev2", "s") == []


def test_a_line_in_quotes_goes_on_inside_them(settings: Settings) -> None:
    assert offered(settings, "incident declare se") == [
        *(f"incident declare {one}" for one in ("sev1", "sev2", "sev3")),
        "incident declare service=",
    ]
    assert offered(settings, "playbook run failover/rds") == ["playbook run failover/rds-multi-az"]


def test_what_cannot_be_read_offers_less_and_never_fails(tmp_path: Path) -> None:
    nowhere = Settings(database_url="postgresql://nobody@127.0.0.1:1/x", muster_config=tmp_path / "none.yaml")
    left = offered(nowhere, "incident", "declare", "")
    assert "service=" in left and "sev1" not in left
    assert completing.incident_words(lambda: nowhere, "") == []


def test_open_incidents_are_offered(settings: Settings) -> None:
    assert completing.incident_words(lambda: settings, "inc") == [("INC-1", "checkout is down")]
    assert "INC-1" in offered(settings, "incident", "status", "")


def test_a_shell_gets_them(settings: Settings) -> None:
    env = {"DATABASE_URL": settings.database_url, "MUSTER_CONFIG": "muster.example.yaml", "PYTHONPATH": str(ROOT),
           "_MUSTER_COMPLETE": "complete_bash", "COMP_WORDS": "muster say incident dec", "COMP_CWORD": "3"}  # fmt: skip
    program = "import sys; from bot.__main__ import app; sys.argv = ['muster']; app(prog_name='muster')"
    ended = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.stdout.split() == ["declare"], ended.stderr


def test_the_words_of_a_shell_are_one_line_again() -> None:
    assert cli.one_line(["incident declare sev1 it is down"]) == "incident declare sev1 it is down"
    assert cli.one_line(["incident", "note", "back at", "14:05"]) == 'incident note "back at" 14:05'
    assert cli.one_line(["playbook", "run", "x/y", "text=two words", "a=b"]) == 'playbook run x/y text="two words" a=b'
