"""`declare/imported`: one line where the incident was announced blind."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def said(stage: Stage) -> None:
    """The number, once."""
    assert [("INC-1" in text) for text in stage.posts("incidents")] == [True]


ENTRY = Entry(inputs={"channel": "C0INCIDENTS", "at": "14:02"}, check=said)
