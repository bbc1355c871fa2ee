"""An auditor's terminal: verify and export are events, everything else is refused, also after its days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import update

from bot import auditing
from bot.cli_login import save
from bot.settings import Settings
from playbooks.errors import Refused
from storage import credentials, people, timeline
from storage.db import Database, Tx
from storage.tables_guard import credentials as rows

T = TypeVar("T")


class Terminal:
    """A machine with an enrolled terminal of a role."""

    def __init__(self, url: str, folder: Path, role: str) -> None:
        self.url, self.file, self.token = url, folder / "terminal.json", credentials.new_token()
        self.settings = Settings.of({}, database_url=url)
        code = credentials.new_pairing()

        def work(tx: Tx) -> str:
            person = people.believe(tx, "slack", "T1/UEVE", state=people.MEMBER, name="Eve").person
            assert person and credentials.allow(tx, person, code, role=role, life=timedelta(days=14))
            found = credentials.claim(tx, code, self.token, "eve@laptop")
            assert found
            return found.id

        save(self.file, self.token, self.write(work))

    def write(self, work: Callable[[Tx], T]) -> T:
        async def go() -> T:
            db = Database(self.url)
            try:
                return await db.write(work)
            finally:
                await db.close()

        return asyncio.run(go())

    def tries(self, verb: str) -> None:
        auditing.guard(verb, self.settings, file=self.file, line=f"{verb} INC-1")

    def uses(self) -> list[Any]:
        found = self.write(lambda tx: timeline.read(tx, "org", types=("auditor.used",)))
        return [(event.body["verb"], event.text("line")) for event in found]


def test_each_use_is_an_event_and_the_rest_is_refused(url: str, tmp_path: Path) -> None:
    terminal = Terminal(url, tmp_path, credentials.AUDITOR)
    terminal.tries("verify")
    terminal.tries("export")
    for verb in ("prune", "migrate", "serve", "escrow", "say", "approve", "policy", "doctor"):
        with pytest.raises(Refused, match="an auditor's"):
            terminal.tries(verb)
    for verb in ("version", "logout"):
        terminal.tries(verb)
    assert terminal.uses() == [("verify", "verify INC-1"), ("export", "export INC-1")]


@pytest.mark.parametrize("ending", ["days", "revoked"])
def test_when_it_is_over_nothing_is_looked_at(url: str, tmp_path: Path, ending: str) -> None:
    terminal = Terminal(url, tmp_path, credentials.AUDITOR)
    days = {"expires_at": rows.c.created_at} if ending == "days" else {"revoked_at": rows.c.created_at}
    terminal.write(lambda tx: tx.conn.execute(update(rows).values(**days)))
    with pytest.raises(Refused, match="has ended"):
        terminal.tries("export")
    with pytest.raises(Refused, match="an auditor's"):
        terminal.tries("prune")
    assert terminal.uses() == []


def test_a_person_s_terminal_is_left_alone(url: str, tmp_path: Path) -> None:
    terminal = Terminal(url, tmp_path, credentials.PERSON)
    for verb in ("prune", "export", "serve"):
        terminal.tries(verb)
    auditing.guard("prune", terminal.settings, file=tmp_path / "none.json")
    assert terminal.uses() == []
