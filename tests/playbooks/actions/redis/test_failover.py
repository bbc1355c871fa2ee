"""`redis.failover`: handed over where the primary lives, alone only where nobody hears it, never two primaries."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.redis.failover import SETTLED_S, FailedOver, Failover
from playbooks.connectors.redis import Redis
from playbooks.errors import Refused, Temporary, Uncertain
from tests.redis_pair import RedisPair

STEP = Failover(replica="env://REPLICA_URL", primary="env://PRIMARY_URL")
ON_WORD = STEP.model_copy(update={"word": "Ana and Ben pulled its plug"})


async def _moved(step: Failover, looking: Any, done: Any) -> Any:
    seen = await step.verify(looking, done)
    return seen if seen.ok is not None else None


async def test_handed_over_without_loss(world: Any, act: Any, cache: Redis, pair: RedisPair, settled: Any) -> None:
    assert (STEP.risk, STEP.again) == (Risk.IRREVERSIBLE, Again.NEVER)
    plan = await ON_WORD.plan(world(cache))  # people's word is not needed, and changes nothing
    assert plan.effect == "Let the Redis at env://PRIMARY_URL hand over to its replica at env://REPLICA_URL (FAILOVER)"
    assert (plan.data_loss_s, plan.targets) == (0, ("redis:env://REPLICA_URL", "redis:env://PRIMARY_URL"))
    untouched = await STEP.verify(world(cache), FailedOver(way="handover", link_down_s=0))
    assert untouched.ok is False and "gave up" in untouched.text
    done = await STEP.run(act(cache))
    assert done.way == "handover"
    seen = await settled(lambda: _moved(STEP, world(cache), done))
    assert (seen.ok, seen.text) == (True, "env://REPLICA_URL is the primary, env://PRIMARY_URL its replica")
    assert pair.replica.ask("DBSIZE") == 10 and (await STEP.reconcile(world(cache))).happened is True
    with pytest.raises(Refused, match="is a primary already"):
        await STEP.run(act(cache))


async def test_a_handover_that_is_lost_or_refused(
    world: Any, act: Any, cache: Redis, pair: RedisPair, gated: Any, sb: SandboxClient, effects: Any, settled: Any
) -> None:
    await gated("PRIMARY_URL", pair.primary)
    for mode, error in (("error:NOPERM", Refused), ("error:LOADING", Temporary), ("timeout_before", Uncertain)):
        await sb.fail("redis", "FAILOVER", mode)
        with pytest.raises(error):
            await STEP.run(act(cache))
    early, late = await STEP.reconcile(world(cache)), await STEP.reconcile(world(cache, later_s=SETTLED_S + 1))
    assert (early.happened, late.happened) == (None, False) and await effects("redis", "FAILOVER") == 0

    await sb.fail("redis", "FAILOVER", "timeout_after")
    with pytest.raises(Uncertain):
        await STEP.run(act(cache))

    async def found() -> Any:
        look = await STEP.reconcile(world(cache))
        return look if look.happened else None

    assert (await settled(found)).outputs is not None


async def test_never_beside_a_primary_that_lives(
    world: Any, act: Any, cache: Redis, pair: RedisPair, gated: Any, sb: SandboxClient, closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("AWAY_URL", f"redis://u:hunter2@127.0.0.1:{closed_port}/0")
    for old in ("env://AWAY_URL", None):
        step = Failover(replica="env://REPLICA_URL", primary=old, word="Ana says so")
        with pytest.raises(Refused, match="is heard by this replica: it lives"):
            await step.plan(world(cache))
    with pytest.raises(Refused, match="is a primary already"):
        await Failover(replica="env://PRIMARY_URL", primary="env://PRIMARY_URL").plan(world(cache))
    with pytest.raises(Refused, match="one and the same server"):
        await Failover(replica="env://REPLICA_URL", primary="env://REPLICA_URL").plan(world(cache))
    pair.replica.ask("REPLICAOF", "127.0.0.1", str(closed_port))  # it follows somebody else: not to be handed over to
    pair.primary.wait(lambda: pair.primary.info()["connected_slaves"] == 0)
    for call in (ON_WORD.plan(world(cache)), ON_WORD.run(act(cache))):
        with pytest.raises(Refused, match="accepts writes, and none of its replicas") as refused:
            await call
        assert "Fence it first" in refused.value.todo
    assert pair.replica.info()["role"] == "slave"


async def test_alone_on_peoples_word(
    world: Any, act: Any, cache: Redis, pair: RedisPair, gated: Any, sb: SandboxClient
) -> None:
    await gated("REPLICA_URL", pair.replica)
    pair.primary.kill()
    pair.replica.wait(lambda: pair.replica.info()["master_link_status"] == "down")
    with pytest.raises(Refused, match="does not answer: whether it accepts writes is not known"):
        await STEP.plan(world(cache))
    plan = await ON_WORD.plan(world(cache))
    assert plan.effect == (
        "Make the replica at env://REPLICA_URL a primary of its own (REPLICAOF NO ONE); "
        "the old primary does not answer; on the word “Ana and Ben pulled its plug”"
    )
    assert plan.data_loss_s is not None and plan.data_loss.startswith("what the primary accepted since the link broke")
    await sb.fail("redis", "REPLICAOF", "timeout_before")
    with pytest.raises(Uncertain):
        await ON_WORD.run(act(cache))
    assert (await ON_WORD.reconcile(world(cache, later_s=SETTLED_S + 1))).happened is False
    await sb.fail("redis", "REPLICAOF", "close_after")
    with pytest.raises(Uncertain):
        await ON_WORD.run(act(cache))
    found = await ON_WORD.reconcile(world(cache))
    assert found.happened is True and (await ON_WORD.verify(world(cache), found.outputs)).ok is True
    assert pair.replica.ask("SET", "x", "1") and pair.replica.ask("DBSIZE") == 11
