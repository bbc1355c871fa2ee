"""`drill/api-process`: the API's process was killed once, and Docker's restart policy brought it back."""

from __future__ import annotations

import time

from tests.library.entry import Entry
from tests.library.prepared import machine, nothing_left
from tests.library.stage import Stage


async def back(stage: Stage) -> None:
    await nothing_left(stage)
    host = machine(stage, "staging")
    assert host.well and time.time() - host.containers["corporate-intel-api"].started_at < 60
    assert sum("kill -9" in line for line in host.ran) == 1
    assert not any("docker kill" in line for line in host.ran)


ENTRY = Entry(
    inputs={"service": "corporate-intel"}, incident={"service": "corporate-intel", "kind": "drill"}, kind="drill",
    site="sandbox", check=back,
)  # fmt: skip
