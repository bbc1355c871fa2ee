"""/playbook auditor: an administrator and a second person let a terminal verify and export, for some days."""

from __future__ import annotations

from typing import Any

import pytest

from storage import auditors, credentials
from storage.db import Tx
from tests.commands.playbook.test_erase import office  # noqa: F401  a fixture


async def test_let_in_by_two_for_some_days(office: Any) -> None:  # noqa: F811
    code, token = credentials.new_pairing(), credentials.new_token()
    asked = await office("Chi", f"playbook auditor <@UDAN> {code} days=14 the yearly audit")
    assert asked.ok and "1 more of 2" in asked.text, asked.text
    assert not (await office("Dan", f"playbook confirm {asked.data['decision']}")).ok, "nobody lets themselves in"
    assert await office.read(lambda tx: credentials.allowed(tx, code)) is False
    done = await office("Ben", f"playbook confirm {asked.data['decision']}")
    assert done.ok and "14 days" in done.text

    def claimed(tx: Tx) -> Any:
        found = credentials.claim(tx, code, token, "dan@laptop")
        assert found and found.role == credentials.AUDITOR and found.person == office.dan
        assert 13 <= (found.expires_at - tx.now).days <= 14
        assert auditors.is_auditor(tx, token) and not auditors.is_auditor(tx, "other")
        return found

    await office.house.db.write(claimed)
    (event,) = await office.events("org", "auditor.granted")
    assert event.body["days"] == 14 and len(event.body["by"]) == 2 and event.text("reason") == "the yearly audit"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("<@UDAN> AAAA-AAAA the audit", "no code of `muster login`"),
        ("<@UDAN> CODE days=0 the audit", "1 to 90 days"),
        ("<@UDAN> CODE days=365 the audit", "1 to 90 days"),
    ],
)
async def test_what_cannot_be_is_said(office: Any, line: str, words: str) -> None:  # noqa: F811
    said = await office("Chi", f"playbook auditor {line.replace('CODE', credentials.new_pairing())}")
    assert not said.ok and words in said.text
