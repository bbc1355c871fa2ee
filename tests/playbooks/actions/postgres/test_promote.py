"""`postgres.promote`: a real standby becomes the primary, once, and never beside another one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.promote import SETTLED_S, Promote, Promoted
from playbooks.connectors.postgres import Postgres
from playbooks.errors import MusterError, Refused, Temporary, Uncertain
from tests.postgres_pair import Pair

STEP = Promote(dsn="env://STANDBY_DSN", old_primary="env://PRIMARY_DSN")
ON_WORD = STEP.model_copy(update={"word": "Ana and Ben saw it switched off"})


async def _alone(pair: Pair) -> None:
    """The primary crashed, and its standby has noticed."""
    pair.primary.crash()
    pair.standby.wait(lambda: not pair.standby.sql("SELECT 1 FROM pg_stat_wal_receiver", "postgres"))


async def test_it_refuses_whatever_could_make_two_primaries(
    act: Any, world: Any, postgres: Postgres, pair: Pair, gated: Any, sb: SandboxClient, monkeypatch: pytest.MonkeyPatch,
    server: Any, closed_port: int,
) -> None:  # fmt: skip
    looking = world(postgres)
    assert (STEP.risk, STEP.again) == (Risk.IRREVERSIBLE, Again.NEVER)
    for step in (STEP, ON_WORD):  # people's word does not count against a primary that answers
        for call in (step.plan(looking), step.run(act(postgres))):
            with pytest.raises(Refused, match="answers and accepts writes") as refused:
                await call
            assert "Fence it first" in refused.value.todo
    monkeypatch.setenv("AWAY_DSN", f"postgresql://u:hunter2@127.0.0.1:{closed_port}/d")
    for old in ("env://AWAY_DSN", None):  # nor against one that this standby hears
        with pytest.raises(Refused, match="was heard by this standby"):
            await ON_WORD.model_copy(update={"old_primary": Promote(dsn=STEP.dsn, old_primary=old).old_primary}).plan(
                looking
            )
    with pytest.raises(Refused, match="one and the same server"):
        await Promote(dsn=STEP.dsn, old_primary="env://STANDBY_DSN").plan(looking)
    monkeypatch.setenv("OTHER_DSN", server.set(drivername="postgresql").render_as_string(hide_password=False))
    with pytest.raises(Refused, match="not of one cluster"):
        await Promote(dsn=STEP.dsn, old_primary="env://OTHER_DSN").plan(looking)
    with pytest.raises(Refused, match="no standby: it is a primary"):
        await Promote(dsn="env://PRIMARY_DSN", word="x").plan(looking)
    with pytest.raises(MusterError, match="can act"):
        looking.use(Postgres)
    pair.primary.sql("DROP ROLE IF EXISTS crowd")
    pair.primary.sql("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    monkeypatch.setenv("FULL_DSN", pair.primary.dsn().replace("postgres@", "crowd@"))
    await gated("PRIMARY_DSN", pair.primary)
    await sb.fail("postgres", "SELECT", "error:57P03")
    for old in ("env://FULL_DSN", "env://PRIMARY_DSN"):  # full, or busy: something answers, so it lives
        with pytest.raises(Refused, match="answers but lets nobody look"):
            await Promote(dsn=STEP.dsn, old_primary=old, word="Ana says so").plan(looking)
    assert pair.standby.sql("SELECT pg_is_in_recovery()", "postgres") == [(True,)]


async def test_a_fenced_primary_that_is_level_loses_nothing(
    world: Any, act: Any, postgres: Postgres, pair: Pair
) -> None:
    pair.standby.sql("SELECT pg_wal_replay_pause()", "postgres")
    pair.primary.sql("INSERT INTO orders (total_cents) VALUES (77)")
    pair.primary.sql("ALTER DATABASE shop SET default_transaction_read_only = on", "postgres")
    with pytest.raises(Refused, match=r"lacks [0-9,]+ bytes"):
        await STEP.plan(world(postgres))
    pair.standby.sql("SELECT pg_wal_replay_resume()", "postgres")
    pair.level()
    plan = await STEP.plan(world(postgres))
    assert plan.effect == (
        "Promote the standby at env://STANDBY_DSN to primary, leaving timeline 1; "
        "the old primary is read-only and the standby has all of it"
    )
    assert (plan.data_loss_s, plan.data_loss) == (0, "0 s (the standby has all that the old primary has)")
    system = pair.primary.sql("SELECT system_identifier::text FROM pg_control_system()")[0][0]
    assert plan.targets == (f"postgres:{system}",)  # of the cluster: its other standbys are locked as well
    assert any("stays read-only" in one for one in plan.warnings)
    still = await STEP.verify(world(postgres), Promoted(timeline_before=1, lag_s=0, last_transaction_at=None))
    assert still.ok is None and still.text == "still a standby on timeline 1"
    done = await STEP.run(act(postgres))
    seen = await STEP.verify(world(postgres), done)
    assert (seen.ok, seen.text) == (True, "primary on timeline 2, read-only by its own setting")
    assert done.timeline_before == 1 and (await STEP.reconcile(world(postgres))).happened is True
    with pytest.raises(Refused, match="nothing to promote"):
        await STEP.run(act(postgres))


async def test_a_dead_primary_takes_peoples_word_and_a_lost_answer_is_seen(
    world: Any,
    act: Any,
    postgres: Postgres,
    impatient: Postgres,
    pair: Pair,
    gated: Any,
    sb: SandboxClient,
    effects: Any,
) -> None:
    pair.primary.sql("INSERT INTO orders (total_cents) VALUES (88)")
    pair.level()
    await gated("STANDBY_DSN", pair.standby)
    await _alone(pair)
    with pytest.raises(Refused, match="does not answer: whether it accepts writes is not known"):
        await STEP.plan(world(postgres))
    plan = await ON_WORD.plan(world(postgres))
    assert plan.effect.endswith("; the old primary does not answer; on the word “Ana and Ben saw it switched off”")
    assert plan.data_loss_s is not None and plan.data_loss.startswith("what was committed after ")

    for mode, error in (("error:42501", Refused), ("error:53300", Temporary), ("timeout_before", Uncertain)):
        await sb.fail("postgres", "pg_promote", mode)
        with pytest.raises(error):
            await ON_WORD.model_copy(update={"wait": Promote(dsn=STEP.dsn, wait="1s").wait}).run(act(impatient))
    early, late = (
        await ON_WORD.reconcile(world(postgres)),
        await ON_WORD.reconcile(world(postgres, later_s=SETTLED_S + 1)),
    )
    assert (early.happened, late.happened) == (None, False) and "too early" in early.evidence
    assert await effects("postgres", "pg_promote") == 0

    await sb.fail("postgres", "pg_promote", "close_after")
    with pytest.raises(Uncertain):
        await ON_WORD.run(act(impatient))
    found = await ON_WORD.reconcile(world(postgres))
    assert found.happened is True and "primary on timeline" in found.evidence
    seen = await ON_WORD.verify(world(postgres), found.outputs)
    assert seen.ok is True and seen.text.endswith("accepts writes")
    assert pair.standby.sql("INSERT INTO orders (total_cents) VALUES (99) RETURNING 1") == [(1,)]
    assert pair.standby.sql("SELECT count(*) FROM orders WHERE total_cents = 88") == [(1,)]
    pair.primary.start()  # and when it comes back, the pair has two primaries: the step sees it
    with pytest.raises(Refused, match="nothing to promote"):
        await ON_WORD.plan(world(postgres))


async def test_away_is_not_yet(
    world: Any, postgres: Postgres, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWAY_DSN", f"postgresql://u@127.0.0.1:{closed_port}/d")
    with pytest.raises(Temporary):
        await Promote(dsn="env://AWAY_DSN").plan(world(postgres))
