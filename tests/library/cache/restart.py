"""`cache/restart`: AWS says that the node restarted, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playbooks.connectors.aws import AwsReads
from tests.library.entry import Entry
from tests.library.prepared import healthy
from tests.library.stage import Stage


async def rebooted(stage: Stage) -> None:
    """Its events, and the cluster is available."""
    aws = stage.tool(AwsReads)
    since = datetime.now(UTC) - timedelta(hours=1)
    said = await aws.cache_events("checkout-cache-001", since)
    assert [one for one in said if "restart" in one.text.lower()], said
    assert (await aws.cache_cluster("checkout-cache-001")).status == "available"


ENTRY = Entry(inputs={"service": "checkout"}, prepare=healthy, answers={"sure": "yes"}, check=rebooted)
