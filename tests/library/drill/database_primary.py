"""`drill/database-primary`: the roles are as before, both databases have both markers, and nothing was lost."""

from __future__ import annotations

from bot.sandbox.host.pair import PRIMARY, REPLICA
from tests.library.entry import Entry
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage


async def as_before(stage: Stage) -> None:
    await nothing_left(stage)
    host = machine(stage, "staging")
    assert host.pair.streams(PRIMARY) and not host.pair.streams(REPLICA)
    first, second = host.pair.held[PRIMARY]
    assert host.pair.held[REPLICA] == [first, second] and first != second
    assert not any("docker start" in line for line in host.ran), "the old primary is never just started"
    assert sum("docker stop" in line for line in host.ran) == 1


ENTRY = Entry(
    inputs={"service": "corporate-intel"}, incident={"service": "corporate-intel", "kind": "drill"}, kind="drill",
    site="sandbox", check=as_before, not_planned=("rejoin", "back"),
)  # fmt: skip
