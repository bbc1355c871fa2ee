"""`redis.info`."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.redis.info import Look
from playbooks.connectors.redis import Redis
from playbooks.errors import NotYet, Refused
from tests.redis_pair import RedisPair


async def test_a_primary_and_its_replica(world: Any, cache: Redis, pair: RedisPair) -> None:
    primary = await Look(url="env://PRIMARY_URL", expect="primary").look(world(cache))
    assert (primary.role, primary.keys, primary.databases, primary.memory_percent) == ("primary", 10, {"db0": 10}, None)
    assert [one.state for one in primary.replicas] == ["online"] and primary.saved and primary.memory > 0
    replica = await Look(url="env://REPLICA_URL").look(world(cache))
    assert (replica.role, replica.linked, replica.link_down_s, replica.keys) == ("replica", True, 0, 10)
    with pytest.raises(NotYet, match="is a replica, not a primary"):
        await Look(url="env://REPLICA_URL", expect="primary", within="1m").look(world(cache))
    pair.primary.ask("CONFIG", "SET", "maxmemory", "64mb")
    full = await Look(url="env://PRIMARY_URL").look(world(cache))
    assert full.memory_percent is not None and 0 < full.memory_percent < 50
    with pytest.raises(Refused, match="of its memory"):
        await Look(url="env://PRIMARY_URL", memory_below=1).look(world(cache))
    pair.primary.ask("CONFIG", "SET", "maxmemory", "0")
    said = Look(url="env://PRIMARY_URL").say(primary)
    assert said.startswith(f"Redis {primary.version}, primary, 1 replicas, 10 keys, ")
