"""`drill/cache`: Redis was stopped once, runs again, and what users read filled it."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage


async def warm(stage: Stage) -> None:
    await nothing_left(stage)
    host = machine(stage, "staging")
    assert host.well and host.cached == 12
    assert [line for line in host.ran if line.startswith("docker stop")] == ["docker stop corporate-intel-redis"]


ENTRY = Entry(
    inputs={"service": "corporate-intel", "normal_ms": "5000", "degraded_ms": "5000"},
    incident={"service": "corporate-intel", "kind": "drill"}, kind="drill", site="sandbox", check=warm,
)  # fmt: skip
