"""`redis.flush`: all keys, once, and the truth about what happened."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.redis.flush import Flush
from playbooks.connectors.redis import Redis
from playbooks.errors import MusterError, Refused, Temporary, Uncertain
from tests.redis_pair import RedisPair

URL = "env://CHECKOUT_REDIS_URL"
STEP = Flush(url=URL)


async def test_the_card_says_who_is_logged_out_and_how_much_goes(world: Any, cache: Redis, effects: Any) -> None:
    assert (STEP.risk, STEP.again) == (Risk.IRREVERSIBLE, Again.NEVER)
    plan = await STEP.plan(world(cache))
    assert plan.effect == f"Delete every key of every database of the Redis at {URL} (FLUSHALL)"
    assert plan.warnings[0] == "All users are logged out where sessions live in it."
    assert plan.notes == ("35 keys now (db0 35).",) and plan.data_loss == "all 35 keys that are there now"
    assert plan.targets == (f"redis:{URL}",) and await effects("redis", "EXEC") == 0
    with pytest.raises(MusterError, match="can act"):
        world(cache).use(Redis)


async def test_flushed_once(world: Any, act: Any, cache: Redis) -> None:
    assert (await STEP.reconcile(world(cache))).happened is False
    done = await STEP.run(act(cache))
    assert STEP.say(done) == "35 keys deleted"
    seen = await STEP.verify(world(cache), done)
    assert (seen.ok, seen.text) == (True, "35 keys deleted, 1 there now")
    assert (await STEP.verify(world(cache), done.model_copy(update={"key": "another"}))).ok is None
    again = await STEP.reconcile(world(cache))
    assert again.happened is True and "left its trace" in again.evidence


@pytest.mark.parametrize(
    ("method", "mode", "error", "happened"),
    [
        ("EXEC", "timeout_after", Uncertain, True),
        ("EXEC", "close_after", Uncertain, True),
        ("EXEC", "timeout_before", Uncertain, False),
        ("EXEC", "error:NOPERM", Refused, False),
        ("EXEC", "error:LOADING", Temporary, False),
        ("FLUSHALL", "error:NOPERM", Refused, False),
        ("FLUSHALL", "reset", Uncertain, False),
    ],
)
async def test_a_lost_answer_is_looked_for(
    world: Any,
    act: Any,
    cache: Redis,
    sb: SandboxClient,
    method: str,
    mode: str,
    error: type[MusterError],
    happened: bool,
) -> None:
    await cache.ping(STEP.url)
    await sb.fail("redis", method, mode)
    with pytest.raises(error):
        await STEP.run(act(cache))
    found = await STEP.reconcile(world(cache))
    assert found.happened is happened and ("trace" in found.evidence)
    if happened:
        assert (await STEP.verify(world(cache), found.outputs)).ok is True
    else:
        assert "35 keys are there" in found.evidence


async def test_what_cannot_or_need_not_be_flushed(world: Any, act: Any, cache: Redis, pair: RedisPair) -> None:
    with pytest.raises(Refused, match="is a replica"):
        await Flush(url="env://REPLICA_URL").plan(world(cache))
    pair.primary.ask("FLUSHALL")
    step = Flush(url="env://PRIMARY_URL")
    for call in (step.plan(world(cache)), step.run(act(cache))):
        with pytest.raises(Refused, match="holds no key already"):
            await call
    empty = await step.reconcile(world(cache))
    assert empty.happened is True and "no key at all" in empty.evidence
