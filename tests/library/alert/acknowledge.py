"""`alert/acknowledge`: a page of somebody else's is acknowledged, once, and stays open."""

from __future__ import annotations

from bot.sandbox.pagerduty.account import SERVICE
from tests.library.entry import Entry
from tests.library.stage import Stage


async def foreign(stage: Stage) -> None:
    """A monitor's own integration opened an incident."""
    page = stage.sandbox.pagerduty.open("disk is full on db-3", "monitor/disk", SERVICE)
    stage.keep["page"] = page.id


async def acknowledged(stage: Stage) -> None:
    """Acknowledged once."""
    page = stage.sandbox.pagerduty.incidents[stage.keep["page"]]
    assert page.status == "acknowledged" and page.resolved is None
    assert len(page.acknowledged) == 1


ENTRY = Entry(inputs=lambda stage: {"page": stage.keep["page"]}, prepare=foreign, check=acknowledged)
