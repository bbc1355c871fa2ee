"""`postgres.recovery`, on a real standby and its primary."""

from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.postgres.recovery import RecoveryOf
from playbooks.connectors.postgres import Postgres
from playbooks.errors import NotYet, Refused
from tests.postgres_pair import Pair


async def test_which_is_which(world: Any, postgres: Postgres, pair: Pair) -> None:
    primary = await RecoveryOf(dsn="env://PRIMARY_DSN", expect="primary").look(world(postgres))
    assert (primary.in_recovery, primary.accepts_writes, primary.timeline, primary.received) == (False, True, 1, "")
    step = RecoveryOf(dsn="env://STANDBY_DSN")
    standby = await step.look(world(postgres))
    assert (standby.in_recovery, standby.accepts_writes, standby.streaming, standby.paused) == (
        True,
        False,
        True,
        False,
    )
    assert standby.system == primary.system and standby.timeline == 1 and standby.received and standby.replayed
    assert "standby on timeline 1, streaming" in step.say(standby)
    with pytest.raises(Refused, match="STANDBY_DSN is a standby, not a primary"):
        await RecoveryOf(dsn="env://STANDBY_DSN", expect="primary").look(world(postgres))
    with pytest.raises(NotYet, match="is a primary, not a standby"):
        await RecoveryOf(dsn="env://PRIMARY_DSN", expect="standby", within="1m").look(world(postgres))
