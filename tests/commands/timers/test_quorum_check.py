"""The daily look whether every quorum could be reached."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from playbooks.engine.library import Library
from playbooks.policy import parse_policy
from storage import people, timers
from storage.db import Tx
from storage.tables import timers as rows
from tests.commands.conftest import POLICY
from tests.commands.playbook.conftest import trusted


async def due(talk: Any) -> Any:
    return await talk.read(lambda tx: tx.conn.execute(rows.select().where(rows.c.kind == "quorum-check")).one())


async def test_what_nobody_could_approve_is_told_to_administrators(talk: Any, fire: Any, sent: Any) -> None:
    talk.house.policy = parse_policy(POLICY.replace("permissions: {", "permissions: { administer: sre,"))
    await trusted(talk)
    await fire("quorum-check org")
    assert await sent() == [] and await talk.events("org", "policy.unreachable") == []

    def leaves(tx: Tx) -> None:
        chi = people.account(tx, "slack", "T1/UCHI")
        people.set_group(
            tx, "sre", {"slack": [p.person for p in people.members(tx, "sre") if chi and p.person != chi.person]}
        )

    await talk.house.db.write(leaves)
    await fire("quorum-check org")
    (told,) = await sent()
    assert "only Ben could approve now" in told["text"] and "what cannot be undone" in told["text"]
    (event,) = await talk.events("org", "policy.unreachable")
    assert event.body == {"rules": ["irreversible"]} and "only Ben could" in event.text("why")
    await fire("quorum-check org")
    assert await sent() == [], "once a day"


class Watched(Library):
    """Tells in which threads files are read."""

    def __init__(self, folder: Path) -> None:
        super().__init__((folder,))
        self.threads: list[str] = []

    def _again(self, *given: Any) -> Any:
        self.threads.append(threading.current_thread().name)
        return super()._again(*given)


async def test_playbooks_are_read_before_the_transaction_that_others_wait_for(
    talk: Any, fire: Any, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    text = "name: own/look\ntitle: A look\nsteps:\n  - {id: look, uses: http.probe, with: {url: 'https://a.example'}}\n"
    (tmp_path / "own" / "look.yaml").write_text(text, encoding="utf-8")
    talk.house.library = Watched(tmp_path)
    await fire("quorum-check org")
    assert talk.house.library.threads and not any("database" in one for one in talk.house.library.threads)


async def test_it_looks_again_tomorrow_whatever_restarts(talk: Any, fire: Any) -> None:
    await fire("quorum-check org")
    first = (await due(talk)).due_at
    assert first - await talk.read(lambda tx: tx.now) > timedelta(hours=23)
    await talk.house.db.write(lambda tx: timers.ensure(tx, "quorum-check", "org", tx.now))
    assert (await due(talk)).due_at == first
