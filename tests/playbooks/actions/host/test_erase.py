"""`host.erase`: what cannot be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.action import Risk
from playbooks.actions.host.erase import Erase
from playbooks.errors import Refused

RESTORE = Erase(host="production", command="restore_latest", arguments={"database": "main"})


async def test_it_restores_and_says_what_is_lost(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    plan = await RESTORE.plan(world)
    assert plan.warnings[0] == "Everything written since that backup is lost." and plan.undo == ""
    assert Erase.risk is Risk.IRREVERSIBLE and not Erase.can_undo()
    done = await RESTORE.run(act)
    assert (await RESTORE.verify(world, done)).ok is True
    assert (await sb.hosts())["production"]["databases"]["main"] == "main 3 h ago"


async def test_nothing_was_done_is_told_apart_from_half_done(at: Any, sb: SandboxClient) -> None:
    world, act = at()
    files = [f"/backups/postgres/main_db_{hours:03d}h.sql.gz" for hours in (3, 9, 15, 21)]
    await sb.change_host("production", files=dict.fromkeys(files))
    with pytest.raises(Refused, match="ended with 3 and did nothing: “no backup found”"):
        await RESTORE.run(act)
    assert (await RESTORE.reconcile(world)).happened is False
    broken = Erase(host="production", command="restore_file", arguments={"backup": files[0], "database": "main"})
    await sb.change_host("production", files={files[0]: {"bad": True}})
    with pytest.raises(Refused, match="backup_unpacks says it ended with 1"):
        await broken.plan(world)
    await sb.change_host("production", containers={"ecommerce_postgres": {"status": "exited"}})
    with pytest.raises(Refused, match="database_ready says"):
        await RESTORE.plan(world)
