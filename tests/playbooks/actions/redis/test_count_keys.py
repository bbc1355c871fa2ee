"""`redis.count_keys`."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.redis.count_keys import CountKeys
from playbooks.connectors.redis import Redis
from playbooks.errors import Refused
from tests.redis_pair import RedisPair

URL = "env://CHECKOUT_REDIS_URL"


async def test_counted_whole_or_said_not_to_be(world: Any, cache: Redis, pair: RedisPair) -> None:
    step = CountKeys(url=URL, pattern="session:*", at_least=25)
    seen = await step.look(world(cache))
    assert (seen.count, seen.total, seen.whole) == (25, 35, True)
    assert step.say(seen) == "25 keys like session:* of 35"
    with pytest.raises(Refused, match="holds 0 keys like nothing"):
        await CountKeys(url=URL, pattern="nothing", at_least=1).look(world(cache))
    pair.primary.ask("EVAL", "for i=1,5000 do redis.call('SET', 'many:'..i, 1) end", 0)
    part = CountKeys(url="env://PRIMARY_URL", pattern="many:*", most=1000)
    seen = await part.look(world(cache))
    assert not seen.whole and 0 < seen.count < 5000 and seen.total == 5010
    assert part.say(seen).endswith("not all of them looked at")
    assert (await CountKeys(url="env://PRIMARY_URL", pattern="many:*").look(world(cache))).count == 5000
