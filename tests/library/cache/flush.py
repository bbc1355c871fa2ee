"""`cache/flush`: no key is left of those there were."""

from __future__ import annotations

from playbooks.connectors.redis import RedisReads
from playbooks.secrets import SecretRef
from tests.library.entry import Entry
from tests.library.prepared import healthy
from tests.library.stage import Stage


async def flushed(stage: Stage) -> None:
    seen = await stage.tool(RedisReads).info(SecretRef("env://CHECKOUT_REDIS_URL"))
    assert sum(seen.databases.values()) <= 1, "only the trace of the step itself"


ENTRY = Entry(inputs={"service": "checkout"}, prepare=healthy, answers={"sure": "yes"}, check=flushed)
