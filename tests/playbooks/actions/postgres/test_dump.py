"""`postgres.dump`: a whole file or none, found again by the same step, readable to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Again, Risk
from playbooks.actions.postgres.dump import Dump
from playbooks.connectors.postgres import Postgres
from playbooks.errors import MusterError, Refused
from tests.postgres_pair import BINARIES

STEP = Dump(dsn="env://CHECKOUT_DSN", label="rehearsal")


async def test_dumped_once_verified_and_taken_back(
    world: Any, act: Any, postgres: Postgres, tmp_path: Path, line: Any
) -> None:
    assert (STEP.risk, STEP.again) == (Risk.WRITE, Again.KEYED)
    plan = await STEP.plan(world(postgres))
    assert plan.effect.endswith("at env://CHECKOUT_DSN to rehearsal-….dump on the machine Muster runs on")
    done = await STEP.run(act(postgres, key="run-1"))
    file = tmp_path / "dumps" / done.file
    assert file.stat().st_size == done.size and [one.name for one in file.parent.iterdir()] == [done.file]
    await line("DELETE FROM payments")
    assert await STEP.run(act(postgres, key="run-1")) == done  # the same step finds its file
    assert (await STEP.run(act(postgres, key="run-2"))).file != done.file
    seen = await STEP.verify(world(postgres), done)
    assert seen.ok is True and seen.facts == {"tables": 5}
    file.write_bytes(file.read_bytes()[:-200])
    assert (await STEP.verify(world(postgres), done)).ok is False  # another file now
    whole = done.model_copy(update={"sha256": (await postgres.copy(done.file, digest=True)).sha256})
    damaged = await STEP.verify(world(postgres), whole)
    assert damaged.ok is False and "pg_restore" in damaged.text and str(tmp_path) not in damaged.text
    assert (await STEP.plan_undo(world(postgres), done)).effect.startswith(f"Delete the dump {done.file}")
    await STEP.undo(act(postgres), done)
    assert not file.exists() and (await STEP.verify_undo(world(postgres), done)).ok is True
    with pytest.raises(Refused, match="any more"):
        await STEP.plan_undo(world(postgres), done)


async def test_what_cannot_be_dumped_leaves_no_file(
    world: Any, act: Any, postgres: Postgres, tmp_path: Path, sb: SandboxClient, ending: Any, line: Any, env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await postgres.server(STEP.dsn)
    for mode in ("error:42501", "reset"):
        await sb.fail("postgres", "COPY", mode)
        error = await ending(STEP.run(act(postgres)))
        assert isinstance(error, MusterError) and "127.0.0.1" not in str(error), mode
        assert list((tmp_path / "dumps").iterdir()) == []
    await line("DROP ROLE IF EXISTS half_blind")
    await line("CREATE ROLE half_blind LOGIN")
    monkeypatch.setenv("HALF_DSN", env["CHECKOUT_DSN"].replace("postgres@", "half_blind@"))
    error = await ending(Dump(dsn="env://HALF_DSN", label="x").run(act(postgres)))
    assert isinstance(error, Refused) and "may not read" in str(error)
    await line("DROP ROLE half_blind")


async def test_programs_that_are_missing_or_too_old_are_named(world: Any, postgres: Postgres, tmp_path: Path) -> None:
    without = Postgres(connect_timeout=10, dumps=tmp_path, programs=str(tmp_path))
    with pytest.raises(Refused, match="pg_dump is not on this machine") as missing:
        await STEP.plan(world(without))
    assert "MUSTER_PG_BIN" in missing.value.todo
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    with pytest.raises(Refused, match="pg_dump 9 cannot dump a server of"):
        await STEP.plan(world(without))
    await without.close()
    assert (BINARIES / "pg_dump").exists()
