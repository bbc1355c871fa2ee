"""`drill/full-dr-test`: the newest backup is restored at staging, everything runs there, and production saw nothing."""

from __future__ import annotations

from tests.library.entry import Entry
from tests.library.prepared import machine
from tests.library.stage import Stage


async def recovered(stage: Stage) -> None:
    host = machine(stage, "staging")
    assert host.well and host.databases["corporate_intel"] == "rows 5 h ago"
    assert (host.release, host.built) == ("origin/main", "origin/main")
    assert sum("terraform apply" in line for line in host.ran) == 1
    assert not any(path.endswith(".tfplan") for path in host.files), "what was planned was applied"
    assert not machine(stage).ran and not machine(stage, "dr").ran


ENTRY = Entry(
    inputs={"service": "corporate-intel"}, incident={"service": "corporate-intel", "kind": "drill"}, kind="drill",
    site="sandbox", check=recovered,
)  # fmt: skip
