"""`failover/rds-multi-az`: the writer moves once, and checkout is healthy afterwards."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.stage import Stage


async def moved(stage: Stage) -> None:
    """The writer is in the standby's zone."""
    assert (await stage.sandbox.aws.corrections()).writer_zone("orders-db") == "eu-north-1b"


ENTRY = Entry(inputs={"service": "checkout"}, check=moved, thorough=True)
