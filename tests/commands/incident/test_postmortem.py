"""/incident postmortem"""

from __future__ import annotations

from typing import Any

from storage import documents


async def test_a_fresh_draft_and_the_last_one(talk: Any) -> None:
    id = await talk.declare()
    first = await talk("Ana", "incident postmortem")
    assert "Drafting the post-mortem of *INC-1*" in first.text and first.document is None
    keep = {"stream": id, "name": "INC-1-post-mortem.md", "key": "k", "body": "# x"}
    kept = await talk.house.db.write(lambda tx: documents.keep(tx, **keep))
    second = await talk("Ana", "incident postmortem")
    assert second.document == kept.id and "INC-1-post-mortem.md" in second.text
